"""Training a network from scratch on labeled images."""
