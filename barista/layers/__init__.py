"""What is known of layer types."""
