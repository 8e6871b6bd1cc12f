"""The study learned_gamma_collapse: its table, its claims and its figures."""
