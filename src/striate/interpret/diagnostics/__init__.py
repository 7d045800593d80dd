"""What is wrong with a net, and what confuses it."""
