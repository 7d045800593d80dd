"""The run directory and the model file on disk. Never trains."""
