"""The study grid_gamma: its table, its claims and its figures."""
