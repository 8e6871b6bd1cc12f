"""The study penalties: its table, its claims and its figures."""
