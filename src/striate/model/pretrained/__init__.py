"""Weights that were trained elsewhere, by name."""
