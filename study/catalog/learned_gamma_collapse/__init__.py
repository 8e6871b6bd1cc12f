"""The study learned_gamma_collapse: with a learned γ, at which β is the first mode lost, and at which the last?"""
