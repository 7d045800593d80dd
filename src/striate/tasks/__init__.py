"""What a network is for: its loss, how its output is read, how it is measured."""
