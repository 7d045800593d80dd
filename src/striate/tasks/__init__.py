"""What a network is for: the loss it learns by, how its outputs become an answer, how good the answers are.

``task.py`` is the seam, ``table.py`` says which tasks there are; docs/adding-a-task.md adds one. Predicting imports no
torch, and of the tasks only the one that answers.
"""
