"""The study affine_minima.

Is every minimum of an affine VAE a global one, how many are there, and how high are the barriers between them?
"""
