"""Arguments to a verb to text or JSON. Nothing imports this."""
