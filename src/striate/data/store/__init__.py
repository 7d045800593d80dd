"""The store: pictures decoded once, and what was computed of them once, kept on disk."""
