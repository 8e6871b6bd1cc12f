"""Claims, the rule that judges them, the sentences of the sources, and what the claims of several studies share."""
