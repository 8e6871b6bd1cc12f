"""The study kappa_saturation: its table, its claims and its figures."""
