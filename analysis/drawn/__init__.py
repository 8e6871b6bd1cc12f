"""The figures of studies that need room of their own: one module a study, of the study's name."""
