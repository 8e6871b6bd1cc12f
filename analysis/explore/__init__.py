"""Charts of any study: what varies in it and what is measured, found out from its plan and its records."""
