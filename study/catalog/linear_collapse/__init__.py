"""The study linear_collapse.

Does a linear VAE lose mode i at β = ζᵢ²/γ, without a jump, for every κ, Σ and width of the prior?
"""
