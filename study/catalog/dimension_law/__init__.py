"""The study dimension_law: with a learned γ, is the first mode lost at β = d/r, whatever d and r?"""
