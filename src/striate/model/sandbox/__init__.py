"""The only way in for somebody else's pickle: read by a process of its own that can reach nothing."""
