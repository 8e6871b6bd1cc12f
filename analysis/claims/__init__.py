"""Claims, their topics, and what the claims of several studies share."""
