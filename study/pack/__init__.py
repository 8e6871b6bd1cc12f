"""Pack: trials of one shape in one stack, as large as it pays. Knows no torch."""
