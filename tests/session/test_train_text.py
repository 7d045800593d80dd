"""What stands at the end of a training: the next command is the one that does what the verdict asks for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from striate.cli.evaluate import text
from striate.metrics.report import classification_report
from striate.runs.run import RunDirectory
from striate.session.train_text import result_text
from striate.tasks.calibrate import Calibration
from striate.tasks.class_assessment import ClassAssessment
from striate.tasks.task import LabelFacts
from striate.verbs.evaluation import Evaluation
from striate.verbs.events import Finished


def evaluation(wrong: int, *, sure: float = 7.0, part: str = "test") -> Evaluation:
    """Of 200 answers so many are wrong, each given with the same confidence."""
    targets = np.repeat([0, 1], 100)
    said = targets.copy()
    said[:wrong] = 1
    logits = np.zeros((200, 2))
    logits[np.arange(200), said] = sure
    names = ("cat", "dog\x1b[2J")
    return Evaluation(
        name="pets-1",
        part=part,
        labels=LabelFacts(names),
        keys=tuple(f"a b/{number}.jpg" for number in range(200)),
        indices=np.arange(200),
        targets=targets,
        outputs={"logits": logits},
        found=ClassAssessment(
            classification_report(logits, targets, classes=names), logits, targets, Calibration(pictures=20), 1.0
        ),
    )


@pytest.mark.parametrize(
    ("path", "shown"), [("runs/pets-1", "pets-1"), ("runs/my pets-1", "'my pets-1'"), ("/x/y/pets-1", "/x/y/pets-1")]
)
def test_the_next_command_does_what_the_verdict_asks_for(path: str, shown: str) -> None:
    done = Finished(RunDirectory(Path(path)), evaluation(7), 3.0)
    said = result_text(done)
    assert done.evaluation.verdict.kind == "labels" and "Look at the labels: " in said
    assert said.endswith(f"next    striate look {shown}")
    head, *lines = said.partition("great confidence")[2].splitlines()[1:7]
    assert head == "5 labels worth a look, the least likely first; 7 in all, shown in the report:"
    assert lines[0] == r"  a b/0.jpg  labelled cat (0.00), answered dog\x1b[2J (1.00)" and len(lines) == 5
    fine = result_text(replace(done, evaluation=evaluation(0)))
    assert fine.endswith("next    striate predict PICTURE") and "worth a look" not in fine


def test_where_answers_say_nothing_of_labels_none_is_named() -> None:
    assert text(evaluation(7)).endswith(r"a b/4.jpg  labelled cat (0.00), answered dog\x1b[2J (1.00)")
    assert "worth a look" not in text(evaluation(7, part="train")), "the pictures were learnt from"
    guess = evaluation(95)
    assert guess.verdict.kind == "guess" and guess.report.label_issues and not guess.label_issues
    named = evaluation(7).to_dict()["label_issues"][0]
    assert named["picture"] == "a b/0.jpg" and named["label"] == "cat" and named["answer"] == "dog\x1b[2J"
    assert SimpleNamespace(**evaluation(7).to_dict()["worst_mistakes"][0]).picture == "a b/0.jpg"
