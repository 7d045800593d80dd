"""What parts and channels answer to."""
