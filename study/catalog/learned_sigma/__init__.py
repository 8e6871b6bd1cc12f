"""The study learned_sigma: does a learned posterior variance Σ make the training of a linear VAE more stable?"""
