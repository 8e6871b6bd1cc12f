"""The study effective_gamma: with a fixed decoder variance, does only the product β·γ matter?"""
