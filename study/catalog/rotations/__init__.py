"""The study rotations: its table, its claims and its figures."""
