"""The study grid_gamma: which decoder variances keep exactly the needed latent dimensions active?"""
