"""Plan: declared trials less recorded ones. Knows no torch."""
