"""What the charts of any study are called, without what draws them."""

NAMES = (
    *("history", "front", "explorer", "active_dimensions", "importance", "parallel", "plane"),
    *("gamma_trajectory", "gradient_z", "training", "strips"),
)
"""The names of all charts, which are those of their files."""
