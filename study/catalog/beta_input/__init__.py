"""The study beta_input: does one VAE conditioned on β trace the same curve as separate VAEs, each trained at one β?"""
