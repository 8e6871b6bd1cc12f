"""The study collapse_point: is a latent whose weights are all zero stationary, in a deep VAE?"""
