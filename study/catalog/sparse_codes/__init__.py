"""The study sparse_codes: which penalties leave an autoencoder the codes that its data need, and no more?"""
