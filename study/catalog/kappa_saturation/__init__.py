"""The study kappa_saturation: with a learned γ, how many of κ latents stay active, and at what number do they saturate?"""
