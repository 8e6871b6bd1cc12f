"""The study outlier_screening.

Does the reconstruction error of an autoencoder detect outliers, whatever the number of latents?
"""
