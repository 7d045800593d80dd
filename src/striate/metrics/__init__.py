"""How good the answers are: pure functions on arrays, each number with the interval it can be trusted to. NumPy alone.

probability.py     logits -> probabilities, and the checks every measure starts with
intervals.py       Interval; Wilson for proportions, Newcombe for AUROC, a seeded bootstrap for the rest
classification.py  accuracy, top-k, confusion, precision, recall, F1, log loss, Brier score, AUROC
reliability.py     does 87 % mean 87 %: bins and expected calibration error
outcomes.py        what is kept of each picture: a few numbers, however many classes there are
report.py          ClassificationReport and its text; ClassificationMeter, which takes batches as they come
"""
