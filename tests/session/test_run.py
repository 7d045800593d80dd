"""A Run as a person holds it: pictures in memory, a bar, a history, looks and figures that show themselves."""

from __future__ import annotations

import re
import signal
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

import striate
from striate.errors import DescribeError, RecipeError, RunError, SourceError
from striate.session.held import hold
from striate.session.shown import Shown, Table

NET = "conv 4 3x3 stride 2 pad 1 no bias >> batchnorm >> relu >> globalavgpool >> flatten >> dense"


def pictures(count: int = 60) -> tuple[np.ndarray, np.ndarray]:
    """Return dark and light squares, and which is which."""
    random, y = np.random.default_rng(0), np.arange(count) % 2
    x = random.integers(0, 100, (count, 12, 12, 3)) + 100 * y[:, None, None, None]
    return x.astype(np.uint8), y


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("session")


@pytest.fixture(autouse=True)
def cache(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STRIATE_CACHE", str(place / "cache"))


@pytest.fixture(scope="module")
def run(place: Path) -> striate.Run:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRIATE_CACHE", str(place / "cache"))
        settings: dict[str, Any] = {"net": NET, "epochs": 3, "folds": 0, "device": "cpu", "threads": 1, "batch": 8}
        return striate.train(pictures(), runs_dir=place / "runs", progress=False, **settings)


def test_nothing_of_how_it_is_stored_shows(run: striate.Run) -> None:
    names = "evaluate figures history look model name notes onnx open path predict recipe report split state"
    assert sorted(dir(run)) == names.split()
    assert repr(run).startswith("pictures-1: accuracy ") and "test pictures" in repr(run) and "\n" not in repr(run)
    assert run.state == "finished" and run.report.is_file() and run.onnx.is_file()


@pytest.mark.parametrize(
    ("keywords", "said"),
    [
        ({"epoch": 3}, "train has no keyword 'epoch'; did you mean epochs or head_epochs?"),
        ({"epoch": None}, "train has no keyword 'epoch'; did you mean"),
        ({"run_dir": "here"}, "train has no keyword 'run_dir'; did you mean runs_dir"),
        ({"download": False}, "train has no keyword 'download'; the keywords are picture, label,"),
        ({"lr": -1}, "lr = -1: input should be greater than 0"),
        ({"lr": 1, "learning_rate": 2}, "say the same setting; leave out one"),
    ],
)
def test_a_keyword_that_there_is_not_is_named_as_one(keywords: dict[str, Any], said: str, place: Path) -> None:
    module = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(12, 2))
    for train in (striate.train, striate.adopt(module, input=(3, 2, 2), classes=2).train):
        with pytest.raises(RecipeError) as caught:
            train("nowhere", runs_dir=place / "none", **keywords)
        assert said in str(caught.value)
    assert not (place / "none").exists()


def test_its_history_is_a_table_that_pandas_takes(run: striate.Run) -> None:
    history = run.history
    assert [row["epoch"] for row in history] == [1, 2, 3] == history["epoch"]
    assert history["train_loss"][2] < history["train_loss"][0] and "val_accuracy" in history.columns
    assert len(repr(history).splitlines()) == 4 and history._repr_html_().count("<tr>") == 4
    pandas = pytest.importorskip("pandas")
    assert list(pandas.DataFrame(history)["epoch"]) == [1, 2, 3]


def test_one_in_one_out_and_a_folder_is_many(run: striate.Run, tmp_path: Path) -> None:
    x, _ = pictures()
    answer: Any = run.predict(x[0])
    for number in range(3):
        Image.fromarray(x[number]).save(tmp_path / f"{number}.png")
    (tmp_path / "notes.txt").write_text("no picture")
    many: Any = run.predict(tmp_path)
    assert [str(one) for one in many] == [str(one) for one in run.predict([*x[:3]])]  # type: ignore[union-attr]
    assert str(many[0]) == str(answer)


def test_figures_and_looks_print_in_a_few_lines_and_show_themselves(run: striate.Run, tmp_path: Path) -> None:
    found = run.evaluate()
    assert found.report.accuracy.value == run.figures["accuracy"]["value"]
    assert len(repr(found)) < 4000 and "accuracy" in repr(found)
    assert found._repr_html_().count("<table>") == 1 and "accuracy" in found._repr_html_()
    look = run.look(pictures()[0][0])
    assert len(repr(look)) < 6000 and look._repr_html_().startswith("<iframe srcdoc=")
    assert look.answer is not None and look.value.answer is look.answer
    page = look.save(tmp_path / "why.html").read_text()
    assert page.startswith("<!doctype html>") and page.count("</html>") == 1
    with pytest.raises(AttributeError, match="no_such"):
        _ = look.no_such


def test_the_same_pictures_are_there_once(place: Path, run: striate.Run) -> None:
    x, y = pictures()
    again = hold((x, y), place / "runs")
    assert again.location == run.recipe.source and len(list((place / "runs" / "pictures").iterdir())) == 1
    assert hold((x, 1 - y), place / "runs").location != again.location
    assert "kept in" in again.note and str(place) in again.note


def test_it_goes_on_without_what_was_in_memory(place: Path, run: striate.Run) -> None:
    longer = striate.resume(run, epochs=4, runs_dir=place / "runs", progress=False)
    assert len(longer.history) == 4 and longer.name == run.name


def test_a_data_set_of_pictures_of_one_size_keeps_its_names(tmp_path: Path) -> None:
    class Data:
        classes = ("dark", "light")

        def __len__(self) -> int:
            return 6

        def __getitem__(self, place: int) -> tuple[Any, int]:
            return Image.fromarray(pictures()[0][place]), place % 2

    held = hold(Data(), tmp_path)
    arrays = np.load(held.location)
    assert (arrays["x"] == pictures()[0][:6]).all() and arrays["classes"].tolist() == ["dark", "light"]


def test_a_data_set_of_several_sizes_becomes_files(tmp_path: Path) -> None:
    pairs = [(np.full((8 + number % 3, 9), 40 * number, np.uint8), f"kind {number % 2}") for number in range(6)]
    held = hold(pairs, tmp_path)
    from striate.data.sources.source import find

    source = find(held.location)
    assert source.label_names == ("kind 0", "kind 1") and len(source.items) == 6
    assert Image.open(Path(held.location).parent / "000003.png").size == (9, 8)


def test_a_table_names_its_pictures(tmp_path: Path) -> None:
    x, y = pictures(6)
    files = []
    for number, picture in enumerate(x):
        files.append(tmp_path / f"{number}.png")
        Image.fromarray(picture).save(files[-1])
    held = hold({"where": files, "kind": [f"k{one}" for one in y]}, tmp_path / "runs", picture="where", label="kind")
    from striate.data.sources.source import find

    source = find(held.location)
    assert source.label_names == ("k0", "k1") and [item.target for item in source.items] == y.tolist()
    assert not (set(tmp_path.iterdir()) - {*files, tmp_path / "runs"})
    with pytest.raises(SourceError, match="no column 'breed'; it has where, kind"):
        hold({"where": files, "kind": y}, tmp_path / "runs", picture="where", label="breed")
    with pytest.raises(SourceError, match=r"known as the pictures \(where, kind\); say which: picture='COLUMN'"):
        hold({"where": files, "kind": y}, tmp_path / "runs")


@pytest.mark.parametrize(
    ("what", "said"),
    [
        (lambda x, y: (x, y[:-1]), "60 pictures but 59 labels"),
        (lambda x, y: (x[:, 0, 0, 0], y), "x of shape 60: wanted pictures"),
        (lambda x, y: (x, y.astype(object)), "y holds Python objects"),
        (lambda x, y: 7, "an object of type int is no source of pictures"),
        (lambda x, y: [1, 2], "member 0 of the data set is an object of type int"),
        (lambda x, y: [], "the data set holds no picture"),
    ],
)
def test_what_is_no_source_is_said(what: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=said):
        striate.train(what(*pictures()), runs_dir=tmp_path, progress=False)
    assert not list(tmp_path.iterdir())


def test_a_column_of_numbers_keeps_its_name_where_a_list_is_known_by_it(tmp_path: Path) -> None:
    from striate.data.sources.source import find

    x, _ = pictures(8)
    files = [tmp_path / f"{number}.png" for number in range(8)]
    for file, pixels in zip(files, x, strict=False):
        Image.fromarray(pixels).save(file)
    for name, kept in (("mass [kg]", "mass"), ("width", "label")):  # a width is taken for the picture's
        table = {"file": files, name: [0.5 * number for number in range(8)]}
        source = find(hold(table, tmp_path / "runs", picture="file", label=name).location)
        assert source.kind == "numbers" and source.label_names == (kept,)


def test_columns_are_of_a_table_alone(tmp_path: Path) -> None:
    with pytest.raises(RecipeError, match="picture and label name the columns of a table"):
        striate.train("digits", picture="file", runs_dir=tmp_path, progress=False)


def test_words_are_printed_and_quiet_is_quiet(place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    settings: dict[str, Any] = {"net": NET, "epochs": 1, "folds": 0, "device": "cpu", "threads": 1}
    striate.train(pictures(), runs_dir=place / "other", progress=False, **settings)
    assert capsys.readouterr() == ("", "")
    striate.train(pictures(), runs_dir=place / "other", **settings)
    out = capsys.readouterr().out
    assert "60 pictures given are kept in" in out and "test accuracy" in out and "\x1b" not in out


def test_runs_are_a_table(place: Path, run: striate.Run) -> None:
    table = striate.runs(place / "runs")
    assert [row["run"] for row in table] == [run.name] and "accuracy" in repr(table)
    assert repr(striate.runs(place / "none")).endswith("holds no run yet")
    assert Table([]).columns == []


def test_what_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="no run"):
        striate.Run.open("last", tmp_path)


def test_what_is_asked_of_the_package_shows_itself_too(place: Path, run: striate.Run) -> None:
    found = striate.evaluate(run)
    assert found.to_dict() == run.evaluate().to_dict() and repr(found) == repr(run.evaluate())
    assert striate.evaluate(run.name, runs_dir=place / "runs").to_dict() == found.to_dict()
    for look in (striate.look(run), striate.look(pictures()[0][0], run=run)):
        assert len(repr(look)) < 6000 and look._repr_html_().startswith("<iframe srcdoc=")


def test_a_run_held_while_it_was_trained_longer_answers_by_the_new_model(place: Path) -> None:
    settings: dict[str, Any] = {"net": NET, "epochs": 1, "folds": 0, "device": "cpu", "threads": 1, "batch": 8}
    held = striate.train(pictures(), runs_dir=place / "longer", progress=False, **settings)
    x, _ = pictures()
    before: Any = held.predict(x[0], unknown=False)
    new = striate.resume(held, epochs=4, runs_dir=place / "longer", progress=False)
    after: Any = held.predict(x[0], unknown=False)
    assert after.probabilities.tolist() == new.predict(x[0], unknown=False).probabilities.tolist()  # type: ignore[union-attr]
    assert after.probabilities.tolist() != before.probabilities.tolist()


def refuses_what_is_of_something_else(run: striate.Run) -> None:
    """What is said and would not be heeded is refused, of every kind of run."""
    source = run.recipe.source
    for keywords, said in (
        ({"label_from": "(.)"}, "label_from is for other pictures"),
        ({"split": "validation"}, "split = 'validation': the pictures of a run are test, val, train, cross-validated"),
        ({"split": "val", "data": source}, "split = 'val' is of the run's own pictures, and data = "),
    ):
        with pytest.raises(RunError, match=re.escape(said)):
            run.evaluate(**keywords)  # type: ignore[arg-type]
    for what in ({"channel": 0}, {"at": (0, 0)}, {"model": "lenet5"}):
        with pytest.raises(
            DescribeError, match=f"pictures-[0-9]+ is a run: {next(iter(what))} can be said of a picture"
        ):
            striate.look(run, **what)  # type: ignore[arg-type]


def test_what_would_not_be_heeded_is_refused(run: striate.Run) -> None:
    refuses_what_is_of_something_else(run)
    assert run.evaluate(split="val").to_dict()["part"] == "val"


class Gated(torch.nn.Module):
    """What only its own code can be."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.gain = torch.nn.Conv2d(3, 4, 3), torch.nn.Parameter(torch.ones(4))
        self.fc = torch.nn.Linear(4, 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.conv(x))
        return self.fc((x * self.gain[:, None, None]).mean((2, 3)))


def test_the_run_of_somebodys_code_is_held_like_any_other(place: Path) -> None:
    adopted = striate.adopt(Gated(), input=(3, 12, 12), classes=2)
    assert adopted.why is not None
    settings: dict[str, Any] = {"epochs": 1, "folds": 0, "device": "cpu", "threads": 1, "batch": 8}
    run = adopted.train(pictures(), runs_dir=place / "code", progress=False, **settings)
    x, _ = pictures()
    assert str(run.predict(x[0], unknown=False)) == str(adopted.load(run).predict(x[0], unknown=False))
    with pytest.raises(RunError, match="split = 'validation': the pictures of a run are test"):
        adopted.evaluate(run, split="validation")
    with pytest.raises(RunError, match=r"split = 'val' is of a run's own pictures, and .* is no run"):
        adopted.evaluate(run.recipe.source, split="val")
    found = run.evaluate(run.recipe.source).to_dict()
    assert found["name"] == run.name and found["trained_on"] == len(run.split["train"])
    assert "accuracy" in repr(run.evaluate()) and run.evaluate().to_dict()["pictures"] > 0
    refuses_what_is_of_something_else(run)
    for look in (run.look(), run.look(x[0])):
        assert len(repr(look)) < 6000 and look._repr_html_().startswith("<iframe srcdoc=")


def test_a_stop_keeps_what_was_learnt_between_two_steps(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from striate.session import watch

    shown = watch.BarViewer.show

    def pressed(viewer: watch.BarViewer, event: Any) -> None:
        shown(viewer, event)
        if type(event).__name__ == "Epoch" and event.index == 2:
            signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr(watch.BarViewer, "show", pressed)
    settings: dict[str, Any] = {"net": NET, "epochs": 5, "folds": 0, "device": "cpu", "threads": 1, "batch": 8}
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(KeyboardInterrupt, match=r"stopped; go on with: striate.resume\('.*pictures-1'\)"):
        striate.train(pictures(), runs_dir=place / "stopped", progress=False, **settings)
    assert signal.getsignal(signal.SIGINT) is before
    monkeypatch.undo()
    monkeypatch.setenv("STRIATE_CACHE", str(place / "cache"))
    run = striate.Run.open("last", place / "stopped")
    assert run.state == "stopped" and run.history["epoch"] == [1, 2]
    assert striate.resume(run, progress=False).history["epoch"] == [1, 2, 3, 4, 5]


def test_a_data_set_too_large_for_memory_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("striate.session.held.MOST", 1000)
    x, y = pictures()
    with pytest.raises(SourceError, match=r"over 1.0 kB \(the first 3 of 60 do\); save them as files"):
        hold(list(zip(x, y.tolist(), strict=True)), tmp_path)
    assert not list(tmp_path.iterdir())


def test_figures_of_every_task_stand_in_the_table(place: Path) -> None:
    x, _ = pictures()
    level = x.mean((1, 2, 3), dtype=np.float64)
    settings: dict[str, Any] = {"net": NET, "epochs": 2, "folds": 0, "device": "cpu", "threads": 1, "batch": 8}
    run = striate.train((x, level), runs_dir=place / "numbers", progress=False, **settings)
    assert run.recipe.task == "regress"
    html = run.evaluate()._repr_html_()
    assert "mean absolute error" in html and html.count("<tr>") > 2


def test_a_long_text_is_printed_from_its_beginning() -> None:
    long = Shown(0, text=lambda: "\n".join(f"line {number}" for number in range(100)), html=str)
    assert repr(long).splitlines()[-1] == "... 60 more lines: print(it.text())" and len(long.text().splitlines()) == 100
    wide = Shown(0, text=lambda: "a\n" + "b" * 9000 + "\nc", html=str)
    assert repr(wide).splitlines() == ["a", "... 2 more lines: print(it.text())"]
    assert repr(Shown(0, text=lambda: "short", html=str)) == "short"
