"""The study sparse_codes: its table, its claims and its figures."""
