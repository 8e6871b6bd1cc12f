"""Mirror: records shown in MLflow."""
