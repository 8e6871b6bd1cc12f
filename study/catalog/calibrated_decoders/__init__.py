"""The study calibrated_decoders: its table, its claims and its figures."""
