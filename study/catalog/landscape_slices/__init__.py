"""The study landscape_slices: its table, its claims and its figures."""
