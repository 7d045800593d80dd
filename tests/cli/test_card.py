"""`striate card` as a person meets it."""

from __future__ import annotations

import json

from tests.cli.stage import QUICK, Place


def test_a_card_is_printed_written_and_over_nothing_of_anybody(place: Place) -> None:
    place("train", "digits", *QUICK, "--epochs", "1", "--folds", "none").done()
    text = place("card").done().out
    assert text.startswith("---\nlibrary_name: striate\n") and "\n# digits-1\n" in text and "license" not in text
    told = json.loads(place("card", "digits-1", "--json", "--license", "mit").done().out)
    assert told["header"]["license"] == "mit" and told["text"].startswith("---\nlicense: mit\n")
    for _ in range(2):  # its own it writes again
        place("card", "-o", "README.md").done()
        assert (place.path / "README.md").read_text() == text
    (place.path / "mine.md").write_text("# Mine\n")
    place("card", "-o", "mine.md").refused("mine.md is there already and is not ours")
    place("card", "digits-1", "--license", "no such; thing").refused("is no name of one", "apache-2.0")
    place("card", "digits-2").refused("no run 'digits-2'")
