"""The study landscape_slices: does a smaller γ smooth the landscape along a line, or carve minima into it?"""
