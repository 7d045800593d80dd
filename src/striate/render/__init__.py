"""A run as one self-contained HTML page. Imports metrics, spec and runs; prints nothing."""
