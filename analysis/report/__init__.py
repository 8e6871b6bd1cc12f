"""The report of a study, and the overview of all studies."""
