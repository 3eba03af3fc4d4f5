"""Training a network from scratch on labelled images."""
