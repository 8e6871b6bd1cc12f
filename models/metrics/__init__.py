"""Numbers that are computed after training, each beside what chance makes of it."""
