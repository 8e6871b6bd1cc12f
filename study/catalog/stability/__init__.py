"""The study stability: its table, its claims and its figures."""
