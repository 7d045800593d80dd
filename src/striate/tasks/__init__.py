"""What a network is for: the loss it learns by, how its outputs become an answer, how good the answers are.

prediction.py  an answer: Scores                                                   (no torch)
calibrate.py   the temperature at which 87 % means 87 %                            (no torch)
unknown.py     "none of these": how far a picture lies from all that was trained on (no torch)
classify.py    pictures into classes

A new task is one new file with ``loss``, ``decode`` and ``measure``, and its answer in prediction.py.
"""
