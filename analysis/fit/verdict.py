"""What a fit can come to, in a few words."""

FITTED = "fitted"
LEFT, RIGHT, BETWEEN = "left-censored", "right-censored", "interval-censored"
INSUFFICIENT = "insufficient data"
