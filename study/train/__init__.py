"""Train: a pack from its declaration to its committed records. Knows torch, neither Ray nor MLflow."""
