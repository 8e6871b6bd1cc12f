"""Declare: trials, probes, tables and searches as frozen, validated data. Knows no torch."""
