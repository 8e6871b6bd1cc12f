"""The study balance_search: its table, its claims and its figures."""
