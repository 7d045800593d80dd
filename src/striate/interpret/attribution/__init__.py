"""Why it said what it said: evidence pictures, each with a score that tells how far to trust it."""
