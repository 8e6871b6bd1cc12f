"""One step of training for every trial of a stack."""
