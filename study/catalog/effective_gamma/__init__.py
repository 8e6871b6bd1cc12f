"""The study effective_gamma: its table, its claims and its figures."""
