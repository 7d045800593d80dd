"""Checks: each a function from a folder that was examined to what it finds there, in one table."""
