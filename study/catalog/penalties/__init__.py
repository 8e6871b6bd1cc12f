"""The study penalties.

Which penalties on codes prefer a sparse decoder to a dense one, and does a VAE's loss do so at a small γ?
"""
