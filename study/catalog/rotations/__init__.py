"""The study rotations: can the latents of a linear VAE be rotated at will, or only permuted?"""
