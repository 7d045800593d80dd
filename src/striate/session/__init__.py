"""What a person holds in a script or a notebook, and what they see while they wait."""
