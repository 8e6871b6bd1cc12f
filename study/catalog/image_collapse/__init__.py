"""The study image_collapse.

On images, is each mode lost where its eigenvalue predicts, and do samples of the prior fade with it?
"""
