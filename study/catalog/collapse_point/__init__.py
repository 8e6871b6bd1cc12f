"""The study collapse_point: its table, its claims and its figures."""
