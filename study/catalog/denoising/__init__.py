"""The study denoising: at which βγ does a linear VAE take the most noise out of its data, and does a learned γ end there?"""
