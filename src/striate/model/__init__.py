"""A net as a torch module, and its weights as a file. Imports data (preprocessing) and spec."""
