"""The study groundwork: its table, its claims and its figures."""
