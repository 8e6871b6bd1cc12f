"""The study outlier_screening: does the reconstruction error of an autoencoder tell outliers, however many latents it has?"""
