"""The study image_collapse: its table, its claims and its figures."""
