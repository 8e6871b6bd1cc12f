"""The study conditional_collapse.

Do nonlinear networks that learn a linear map follow the linear theory's loss, variances and thresholds?
"""
