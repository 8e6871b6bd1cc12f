"""The study calibrated_decoders.

Does a decoder that learns its own noise explain images better, and give better samples, than one of unit variance?
"""
