"""Public OpenCL designs whose real compiler reports are in the open, and what those reports say."""
