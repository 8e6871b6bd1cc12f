"""The study skip_depth: do deep decoders collapse for lack of skip connections, or because of their initialisation?"""
