"""Batches: pictures served to a training, moved and coloured by matrices."""
