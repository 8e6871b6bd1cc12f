"""A step of the platform's own fully connected networks, its backward pass written by hand: no graph, no new memory."""
