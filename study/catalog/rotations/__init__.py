"""The study rotations: may the latents of a linear VAE be turned at will, or only permuted?"""
