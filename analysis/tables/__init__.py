"""Tables: cells over seeds, intervals, sheets."""
