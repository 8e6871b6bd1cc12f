"""The study memorising: with few examples, is one latent enough for a decoder that is complex enough?"""
