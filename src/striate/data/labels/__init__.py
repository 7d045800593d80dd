"""Labels: what the files of a source say of its pictures, and what makes them unfit to learn from."""
