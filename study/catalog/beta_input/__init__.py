"""The study beta_input: its table, its claims and its figures."""
