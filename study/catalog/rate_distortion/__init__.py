"""The study rate_distortion: its table, its claims and its figures."""
