"""Data sets: loaded or generated, centred, with what theory needs to know of them."""
