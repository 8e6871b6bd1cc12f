"""The study stability: which remedies keep a VAE with a small γ from diverging, and from losing the balance?"""
