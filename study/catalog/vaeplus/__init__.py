"""The study vaeplus: its table, its claims and its figures."""
