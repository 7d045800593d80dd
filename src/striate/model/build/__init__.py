"""From a net to a torch module, and where its weights begin."""
