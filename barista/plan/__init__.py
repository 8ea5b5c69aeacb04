"""What a net costs, without running it."""
