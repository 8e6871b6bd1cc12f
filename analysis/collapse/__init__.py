"""What the studies of posterior collapse share: sweeps of β beside closed forms, in numbers."""
