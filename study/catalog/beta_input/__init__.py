"""The study beta_input: does one VAE that is told β trace the curve of VAEs that are trained for one β each?"""
