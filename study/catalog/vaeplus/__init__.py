"""The study vaeplus: do samples of a second VAE on the first one's latents come closer to the data?"""
