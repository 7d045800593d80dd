"""How a single number is made."""
