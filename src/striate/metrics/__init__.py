"""How good the answers are: pure functions on arrays, each number with the interval it can be trusted to. NumPy alone.

probability.py     logits -> probabilities, and the checks every measure starts with
intervals.py       Interval; Wilson for proportions, Newcombe for AUROC, a seeded bootstrap for the rest
classification.py  accuracy, top-k, confusion, precision, recall, F1, log loss, Brier score, AUROC
reliability.py     does 87 % mean 87 %: bins and expected calibration error
outcomes.py        what is kept of each picture: a few numbers, however many classes there are
report.py          ClassificationReport and its text; ClassificationMeter, which takes batches as they come

Of objects in a picture: boxes.py, box_matching.py, average_precision.py (COCO's protocol), precision_intervals.py,
operating_points.py, box_errors.py (TIDE), box_calibration.py, together in box_report.py; counting.py in
count_report.py. Of pixels: segmentation.py and boundary.py in mask_report.py. picture_bootstrap.py is what their
intervals are made by.
"""
