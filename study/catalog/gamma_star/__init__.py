"""The study gamma_star: is a γ that is learned the same as its final value, fixed from the start?"""
