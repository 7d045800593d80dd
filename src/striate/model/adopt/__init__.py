"""Torch modules of somebody else's, read into nets or kept as code."""
