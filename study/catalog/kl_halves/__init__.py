"""The study kl_halves: which half of the KL makes a mode of a linear VAE collapse, and is it lost by a jump?"""
