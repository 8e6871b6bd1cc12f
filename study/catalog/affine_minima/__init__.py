"""The study affine_minima.

Is every minimum of an affine VAE global, how many are there, and how high are the saddles between them?
"""
