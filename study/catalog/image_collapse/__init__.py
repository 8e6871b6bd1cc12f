"""The study image_collapse.

On images, is every mode lost where its eigenvalue says, and do samples of the prior fade with them?
"""
