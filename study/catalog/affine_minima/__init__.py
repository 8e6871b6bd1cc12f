"""The study affine_minima: its table, its claims and its figures."""
