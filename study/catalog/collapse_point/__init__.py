"""The study collapse_point: in a deep VAE, is a latent whose weights are all zero stationary?"""
