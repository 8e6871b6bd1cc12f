"""The study origin_hessian: its table, its claims and its figures."""
