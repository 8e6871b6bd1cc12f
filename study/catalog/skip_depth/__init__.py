"""The study skip_depth: do deep decoders without skip connections collapse, or is it their initialisation?"""
