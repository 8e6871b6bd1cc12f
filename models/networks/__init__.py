"""Networks, written for one trial: built from a declaration."""
