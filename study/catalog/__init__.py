"""The studies that come with the project: one module, one study, one name."""
