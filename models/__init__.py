"""What one trial is made of: data sets, networks, γ modes, objectives and metrics.

Everything here is written for ONE trial and knows neither packs, nor Ray, nor MLflow. `models.specs` holds the frozen
declarations and is free of torch, so that a study can be listed and planned without it.
"""
