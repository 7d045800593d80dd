"""A page on this machine: from a folder of pictures to an answer, on the same verbs as the commands."""
