"""Models on the Hub: sent, fetched, proved and kept, by the Hub's own library and a stand-in on loopback."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import ModelCard
from tests.hub import TOKEN, Hub, hub
from tests.pictures import paint

from striate.data.store.cache import weights_dir
from striate.errors import DownloadError, ModelError, RunError
from striate.model.files.weights import read_arrays, read_facts
from striate.recipe import Recipe
from striate.runs.predictor import Predictor
from striate.runs.run import RunDirectory
from striate.verbs.hub import fetch_hub, hub_address, is_hub
from striate.verbs.predict import find_model, open_predictor
from striate.verbs.push import push
from striate.verbs.start import open_start
from striate.verbs.train import train
from striate.verbs.weights import open_weights
from striate.verbs.workspace import Workspace

NET = "conv 4 3x3 stride 2 pad 1 no bias >> batchnorm >> relu >> globalavgpool >> flatten >> dense"


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("hub")
    recipe = Recipe(source=str(paint(root / "zoo")), net=NET, epochs=1, device="cpu", threads=1, folds=0)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRIATE_CACHE", str(root / "cache"))
        train(recipe, workspace=Workspace(root / "runs"), name="zoo")
    return root


@pytest.fixture
def there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    monkeypatch.setenv("STRIATE_CACHE", str(tmp_path / "cache"))
    with hub() as made:
        yield made


@pytest.fixture
def sent(there: Hub, home: Path, monkeypatch: pytest.MonkeyPatch) -> Hub:
    """A Hub that has the model, public, and a person who is not logged in."""
    with monkeypatch.context() as patch:
        patch.setenv("HF_TOKEN", TOKEN)
        push("zoo-1", "me/zoo", license="mit", workspace=Workspace(home / "runs"))
    there.asked.clear()
    return there


def workspace(home: Path, told: list[str] | None = None, *, download: bool = True) -> Workspace:
    return Workspace(home / "runs", download=download, tell=(told if told is not None else []).append)


def test_what_is_sent_is_the_model_its_graph_and_its_card_and_no_picture(
    there: Hub, home: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    told: list[str] = []
    done = push("zoo-1", "me/zoo", workspace=workspace(home, told))
    assert capsys.readouterr() == ("", ""), "a verb prints nothing, and neither does what it uses"
    files = there.repositories["me/zoo"].commits[done.commit]
    assert set(done.files) == {"model.safetensors", "model.onnx", "README.md"} == set(files) - {".gitattributes"}
    assert not done.private and "which is public" in told[0] and done.page.endswith("/me/zoo")
    card = ModelCard(files["README.md"].decode())
    assert card.data.library_name == "striate" and "--model hf://me/zoo" in card.text
    everything = b"".join(files.values())
    assert str(home).encode() not in everything, "where the pictures lie is nobody's business"
    assert TOKEN.encode() not in everything and TOKEN not in repr((done, told))
    assert any("no license" in note for note in done.notes) and any("report.html stays" in note for note in done.notes)
    assert {path for _, path in there.asked if "me/zoo" not in path} <= {
        "/api/repos/create", "/api/validate-yaml", *(path for _, path in there.asked if path.startswith("/lfs/"))
    }  # fmt: skip
    assert not [told for told in there.told if "torch" in told or "agent" in told], "nothing of the machine is told"


def test_the_weights_that_come_back_are_those_that_were_sent(sent: Hub, home: Path) -> None:
    run = RunDirectory.open("zoo-1", home / "runs")
    path = fetch_hub("hf://me/zoo", workspace(home))
    mine, came = read_arrays(run.model_path)[0], read_arrays(path)[0]
    assert mine.keys() == came.keys() and all((mine[name] == came[name]).all() for name in mine)
    assert read_facts(path).provenance["recipe"]["source"] == "zoo"
    assert read_facts(run.model_path).provenance["recipe"]["source"] == str(home / "zoo"), "what is here stays"
    picture = next((home / "zoo").rglob("*.png"))
    answers = [Predictor.open(one, torch=False).predict(picture)[0] for one in (path, run.model_path)]
    assert answers[0].to_dict() == answers[1].to_dict()


def test_every_way_to_name_a_model_takes_it(sent: Hub, home: Path) -> None:
    place, path = workspace(home), fetch_hub("hf://me/zoo", workspace(home))
    assert open_weights("hf://me/zoo", place) == find_model(model="hf://me/zoo", workspace=place) == path
    assert find_model(model=Path("hf://me/zoo"), workspace=place) == path, "a path keeps one slash"
    assert find_model(run="hf://me/zoo", workspace=place) == path, "as a server names what it serves"
    assert open_start("hf://me/zoo", place).words == "hf://me/zoo"
    assert open_predictor(model="hf://me/zoo", workspace=place).classes == ("ant", "bee", "cow")


def test_a_newer_version_is_fetched_and_a_commit_stays(sent: Hub, home: Path) -> None:
    first = fetch_hub("hf://me/zoo", workspace(home))
    repository = sent.repositories["me/zoo"]
    old = repository.refs["main"]
    assert first.parent.name == old
    new = repository.commit({"README.md": b"# another\n"})
    assert fetch_hub("hf://me/zoo", workspace(home)).parent.name == new
    sent.asked.clear()
    assert fetch_hub(f"hf://me/zoo@{old}", workspace(home)) == first
    assert not sent.asked, "a commit that is here is never asked for"
    repository.refs["v1"] = old
    assert fetch_hub("hf://me/zoo@v1", workspace(home)) == first


def test_offline_uses_what_is_here_and_asks_nobody(sent: Hub, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DownloadError, match=r"hf://me/zoo is not in the cache, and nothing is to be downloaded.*fetch"):
        fetch_hub("hf://me/zoo", workspace(home, download=False))
    monkeypatch.setenv("STRIATE_OFFLINE", "1")
    with pytest.raises(DownloadError, match="STRIATE_OFFLINE is set"):
        fetch_hub("hf://me/zoo", workspace(home))
    with pytest.raises(DownloadError, match="nothing is sent to me/zoo: STRIATE_OFFLINE"):
        push("zoo-1", "me/zoo", workspace=workspace(home))
    assert not sent.asked
    monkeypatch.delenv("STRIATE_OFFLINE")
    path = fetch_hub("hf://me/zoo", workspace(home))
    sent.asked.clear()
    assert fetch_hub("hf://me/zoo", workspace(home, download=False)) == path
    assert not sent.asked


def test_a_hub_that_is_down_leaves_what_was_there(sent: Hub, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = fetch_hub("hf://me/zoo", workspace(home))
    told: list[str] = []
    sent.broken = 503
    assert fetch_hub("hf://me/zoo", workspace(home, told)) == path
    assert "HTTP 503; what was there the last time answers" in told[0]
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")  # discard: nobody listens
    assert fetch_hub("hf://me/zoo", workspace(home, told)) == path and len(told) == 2
    with pytest.raises(DownloadError, match="hf://me/other cannot be asked for: "):
        fetch_hub("hf://me/other", workspace(home))


@pytest.mark.parametrize("name", ["model.safetensors", "model.onnx"])
def test_a_byte_that_changed_on_the_way_is_refused_and_nothing_is_kept(sent: Hub, home: Path, name: str) -> None:
    repository = sent.repositories["me/zoo"]
    whole = repository.commits[repository.refs["main"]][name]
    at = len(whole) - 200 if name.endswith("onnx") else len(whole) - 3
    repository.commit({name: whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :]})
    with pytest.raises(ModelError, match=rf"hf://me/zoo is not used: {name} (is damaged|was not)"):
        fetch_hub("hf://me/zoo", workspace(home))
    assert not list((weights_dir() / "hub").rglob("model*"))


def test_a_download_that_breaks_off_is_taken_up_again(
    sent: Hub, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sent.stop_after = 1000
    heard: list[tuple[str, int, int]] = []
    place = Workspace(home / "runs", progress=lambda what, done, total: heard.append((what, done, total)))
    path = fetch_hub("hf://me/zoo", place)
    assert sent.stop_after is None, "it broke off"
    assert read_facts(path).names == ("ant", "bee", "cow") and not list(path.parent.parent.glob(".*.part"))
    assert heard[-1] == ("hf://me/zoo model.onnx", *[path.with_suffix(".onnx").stat().st_size] * 2)
    assert capsys.readouterr() == ("", "")


def test_what_is_private_takes_a_token_and_stays_so(there: Hub, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(DownloadError, match="zoo-1 was not sent to me/secret: there is no token; set HF_TOKEN"):
        push("zoo-1", "me/secret", workspace=workspace(home))
    monkeypatch.setenv("HF_TOKEN", "hf_wrong")
    with pytest.raises(DownloadError, match=r"was not sent to me/secret: the Hub refuses it \(HTTP 401\)") as refused:
        push("zoo-1", "me/secret", workspace=workspace(home))
    assert "hf_wrong" not in str(refused.value)
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    done = push("zoo-1", "me/secret", private=True, report=True, workspace=workspace(home))
    assert done.private and there.repositories["me/secret"].private and "report.html" in done.files
    assert fetch_hub("hf://me/secret", workspace(home)).is_file()
    monkeypatch.delenv("HF_TOKEN")
    with pytest.raises(DownloadError, match="no such repository, or it is private: then set HF_TOKEN"):
        fetch_hub("hf://me/secret@v9", workspace(home))


def test_what_is_public_is_not_taken_for_private(sent: Hub, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    before = dict(sent.repositories["me/zoo"].refs)
    with pytest.raises(DownloadError, match="is there already, and is public"):
        push("zoo-1", "me/zoo", private=True, workspace=workspace(home))
    assert sent.repositories["me/zoo"].refs == before, "nothing was sent"


def test_a_card_that_somebody_wrote_stays_where_they_say_so(
    sent: Hub, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    repository = sent.repositories["me/zoo"]
    repository.commit({"README.md": b"# by hand\n"})
    done = push("zoo-1", "me/zoo", card=False, workspace=workspace(home))
    assert "README.md" not in done.files
    assert repository.commits[repository.refs["main"]]["README.md"] == b"# by hand\n"


def test_what_is_no_model_of_ours_is_refused(there: Hub, home: Path) -> None:
    from tests.hub import Repository

    there.repositories["me/bert"] = Repository()
    there.repositories["me/bert"].commit({"pytorch_model.bin": b"\x80\x04."})
    with pytest.raises(ModelError, match=r"hf://me/bert holds no model\.safetensors"):
        fetch_hub("hf://me/bert", workspace(home))
    there.repositories["me/bert"].commit({"model.safetensors": b"\x80\x04." + bytes(100)})
    with pytest.raises(ModelError, match="hf://me/bert is not used: "):
        fetch_hub("hf://me/bert", workspace(home))
    with pytest.raises(DownloadError, match="has no such revision"):
        fetch_hub("hf://me/bert@v7", workspace(home))


@pytest.mark.parametrize(
    "text", ["hf://", "hf://me", "hf://me/zoo/model.safetensors", "hf://../..", "hf://me/zoo@", "hf://me/zoo@../x",
             "hf://me/z o", "hf://me//zoo", "hf://a--b/c", "hf://me/zoo@a//b", "hf://me/zoo\n"]
)  # fmt: skip
def test_what_is_no_address_is_refused_before_anybody_is_asked(there: Hub, home: Path, text: str) -> None:
    assert is_hub(text)
    with pytest.raises(ModelError, match="is no address of a model on the Hub; say hf://user/name"):
        fetch_hub(text, workspace(home))
    assert not there.asked


def test_an_address_says_itself() -> None:
    assert str(hub_address("hf:/me/zoo")) == "hf://me/zoo" == str(hub_address("hf://me/zoo@main"))
    assert str(hub_address("hf://me/zoo@refs/pr/1")) == "hf://me/zoo@refs/pr/1"
    assert not is_hub("models/hf") and not is_hub(Path("hf"))


def test_without_the_library_it_says_what_to_install(home: Path, tmp_path: Path) -> None:
    code = (
        "import sys; sys.modules['huggingface_hub'] = None\n"
        "from striate.verbs.hub import fetch_hub\n"
        "from striate.errors import StriateError\n"
        "try:\n    fetch_hub('hf://me/zoo')\n"
        "except StriateError as error:\n    print(error)\n"
    )
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env={"STRIATE_CACHE": str(tmp_path), "PATH": "/usr/bin"},
    )  # fmt: skip
    assert told.stdout.strip().endswith("pip install 'striate[hub]'") and "torch" not in told.stdout


def test_push_refuses_what_is_not_finished(there: Hub, tmp_path: Path) -> None:
    run = RunDirectory.create(tmp_path, "begun", 'source = "zoo"\n', source={}, environment={})
    run.unlock()
    with pytest.raises(RunError, match="begun-1 is not finished"):
        push("begun-1", "me/zoo", workspace=Workspace(tmp_path))
    with pytest.raises(ModelError, match="is no address"):
        push("begun-1", "zoo", workspace=Workspace(tmp_path))
    assert not there.asked
