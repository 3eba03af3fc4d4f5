"""Synthetic copies of the releases, in their own folders and sheets."""
