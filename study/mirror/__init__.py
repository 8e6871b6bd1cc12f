"""Mirror: the records, shown in MLflow."""
