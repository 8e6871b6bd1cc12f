"""The networks of a pack's trials as one network, and what it is fed."""
