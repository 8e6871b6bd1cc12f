"""The study conditional_collapse: its table, its claims and its figures."""
