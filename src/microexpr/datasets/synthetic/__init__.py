"""Synthetic copies of releases: clips (`clips`) and long videos (`long_videos`) of synthetic faces."""
