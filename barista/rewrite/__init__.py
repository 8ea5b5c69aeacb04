"""Which layers the device runs, and what that makes of a net."""
