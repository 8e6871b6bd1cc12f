"""The study linear_collapse: its table, its claims and its figures."""
