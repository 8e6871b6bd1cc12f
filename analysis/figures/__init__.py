"""Figures, and what the figures of several studies share."""
