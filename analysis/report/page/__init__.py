"""The pages that a reader opens: a study's report, and the home's list of all reports. Each is one file without network."""
