"""The study linear_collapse.

Does a linear VAE lose mode i at β = ζᵢ²/γ, without a jump, whatever κ, Σ and the prior's width are?
"""
