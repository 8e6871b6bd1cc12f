"""The study gamma_star: its table, its claims and its figures."""
