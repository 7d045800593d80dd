"""Training and inference. Never touches the disk."""
