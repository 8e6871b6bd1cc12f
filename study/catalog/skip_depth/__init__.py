"""The study skip_depth: its table, its claims and its figures."""
