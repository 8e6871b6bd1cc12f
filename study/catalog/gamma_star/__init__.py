"""The study gamma_star: is a learned γ the same as its final value γ*, fixed from the start?"""
