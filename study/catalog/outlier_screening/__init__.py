"""The study outlier_screening: its table, its claims and its figures."""
