"""The study deep_collapse: is the collapsed point of a deep decoder a minimum, and does training leave it?"""
