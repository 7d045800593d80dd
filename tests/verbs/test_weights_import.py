"""Somebody else's weights become a model file: what is asked, what is said, what is never half-written."""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import types
from collections import defaultdict
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from striate.errors import DataError, ModelError
from striate.model.build.model import build
from striate.model.files import weights
from striate.model.sandbox import child, parent
from striate.nets import CATALOG
from striate.recipe import Recipe
from striate.runs.predictor import Predictor
from striate.spec import Shape
from striate.verbs import weights_import
from striate.verbs.train import train
from striate.verbs.weights_import import import_weights, unwrapped
from striate.verbs.workspace import Workspace


def publish(path: Path, *, classes: int = 10, seed: int = 1, prefix: str = "", **changed: torch.Tensor) -> Path:
    """Weights of LeNet-5 as another program would leave them."""
    model = build(CATALOG["lenet5"].function(classes), Shape(1, 28, 28), seed=seed)
    held = {name: tensor for name, tensor in model.state_dict().items() if not name.startswith("input.")}
    held |= {name.replace("__", "."): tensor for name, tensor in changed.items()}
    save_file({prefix + name: tensor.contiguous() for name, tensor in held.items()}, path)
    return path


def test_the_net_answers_as_the_weights_did(tmp_path: Path) -> None:
    file = publish(tmp_path / "theirs.safetensors", prefix="module._orig_mod.")
    done = import_weights(file, net="LeNet5", output=tmp_path / "m.safetensors", mean=[0.5], std=[0.25])
    assert (done.net, done.tensors, done.parameters) == ("lenet5", 10, 61_706)
    assert "module._orig_mod. was taken off every name." in done.notes
    model = build(CATALOG["lenet5"].function(10), Shape(1, 28, 28), seed=1).eval()
    pixels = np.random.default_rng(0).integers(0, 256, (28, 28), np.uint8)
    with torch.no_grad():
        logits = model(torch.tensor((pixels / 255 - 0.5) / 0.25, dtype=torch.float32)[None, None])
    wanted = torch.softmax(logits, 1)[0].numpy()
    [answer] = Predictor.open(done.path).predict([pixels])
    got = {score["class"]: score["probability"] for score in answer.to_dict()["scores"]}  # type: ignore[attr-defined]
    assert np.allclose([got[f"class {n}"] for n in range(10)], wanted, atol=1e-5)


def test_the_model_file_says_where_it_is_from(tmp_path: Path) -> None:
    file = publish(tmp_path / "theirs.safetensors", classes=3)
    import_weights(file, net="lenet5", output=tmp_path / "m.safetensors", classes=["ant", "bee", "cow"])
    facts = weights.read_facts(tmp_path / "m.safetensors")
    assert facts.names == ("ant", "bee", "cow")
    assert facts.provenance["net"] == "lenet5"
    assert facts.provenance["imported"] == {
        "file": "theirs.safetensors",
        "sha256": hashlib.sha256(file.read_bytes()).hexdigest(),
        "bytes": file.stat().st_size,
        "part": "",
        "confined_by": [],
    }


def test_a_pickle_goes_through_the_door(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from safetensors.torch import load_file

    held = load_file(publish(tmp_path / "theirs.safetensors"))
    torch.save({"model": held, "epoch": 3}, tmp_path / "theirs.pth")
    done = import_weights(tmp_path / "theirs.pth", net="lenet5", output=tmp_path / "m.safetensors")
    assert "The weights were in its model; epoch beside it was not taken." in done.notes
    assert "process of its own" in done.confinement
    assert "audit" in done.facts.provenance["imported"]["confined_by"]
    tensors, _ = weights.read(done.path)
    assert all(torch.equal(tensors[name], tensor) for name, tensor in held.items())


def test_a_checksum_in_the_name_is_checked(tmp_path: Path) -> None:
    file = publish(tmp_path / "x.safetensors")
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    for number, (name, said) in enumerate(
        [
            (f"lenet-{digest[:8]}.safetensors", f"Its SHA-256 begins with {digest[:8]}, as its name says."),
            ("lenet-0badc0de.safetensors", f"ITS NAME SAYS 0badc0de AND ITS SHA-256 BEGINS WITH {digest[:8]}"),
            ("lenet-20240131.safetensors", ""),  # a date
        ]
    ):
        copy = tmp_path / name
        copy.write_bytes(file.read_bytes())
        notes = import_weights(copy, net="lenet5", output=tmp_path / f"{number}.safetensors").notes
        assert any(note.startswith(said) for note in notes) if said else not any("SHA" in note for note in notes)


def test_other_precisions_become_the_nets(tmp_path: Path) -> None:
    own = build(CATALOG["lenet5"].function(10), Shape(1, 28, 28)).state_dict()
    name = next(name for name in own if name.endswith("weight"))
    file = publish(tmp_path / "half.safetensors", **{name.replace(".", "__"): torch.ones(own[name].shape).half()})
    done = import_weights(file, net="lenet5", output=tmp_path / "m.safetensors")
    assert "Its float16 numbers became float32." in done.notes
    assert weights.read(done.path)[0][name].dtype == torch.float32


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("the catalogue has no net 'lenet6'; did you mean lenet5", {"net": "lenet6"}),
        ("0 classes", {"classes": 0}),
        ("--classes has 7 classes, and the head of theirs.safetensors answers for 10", {"classes": 7}),
        ("mean has 3 values for 1 channels", {"mean": [0.1, 0.2, 0.3], "std": [1, 1, 1]}),
        ("mean and std belong together", {"mean": [0.1]}),
        ("there is no folder", {"output": "absent/m.safetensors"}),
        ("is a folder; -o names the file", {"output": "."}),
    ],
)
def test_what_does_not_fit_is_refused_and_nothing_is_written(
    words: str, asked: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    file = publish(tmp_path / "theirs.safetensors")
    with pytest.raises((ModelError, DataError), match=words):
        import_weights(file, **{"net": "lenet5", **asked})  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["theirs.safetensors"]


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    own = build(CATALOG["lenet5"].function(10), Shape(1, 28, 28)).state_dict()
    name = next(name for name in own if name.endswith("weight"))
    file = publish(tmp_path / "nan.safetensors", **{name.replace(".", "__"): own[name] * float("nan")})
    with pytest.raises(ModelError, match=f"{name} holds values that are not finite"):
        import_weights(file, net="lenet5", output=tmp_path / "m.safetensors")


def test_a_file_that_exists_is_replaced_only_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "m.safetensors"
    output.write_bytes(b"mine")
    file = publish(tmp_path / "theirs.safetensors")
    with monkeypatch.context() as patch:
        patch.setattr(parent, "_opened", None)  # it is refused before anything is read
        with pytest.raises(ModelError, match="exists and was left as it is; --force replaces it"):
            import_weights(file, net="lenet5", output=output)
    assert output.read_bytes() == b"mine"
    import_weights(file, net="lenet5", output=output, force=True)
    assert weights.read_facts(output).net


def test_wrappers_come_off_only_when_every_name_has_them() -> None:
    one = torch.ones(1)
    assert unwrapped({"module.a": one, "module.b": one}) == ({"a": one, "b": one}, "module.")
    assert unwrapped({"module.a": one, "b": one}) == ({"module.a": one, "b": one}, "")
    assert unwrapped({"_orig_mod.module.a": one}) == ({"a": one}, "_orig_mod.module.")


def test_the_third_party_resnet20_answers_cifar(shared: Path, tmp_path: Path) -> None:
    """Of the first 1,017 test pictures of CIFAR-10 its authors' own program gets 91.6 %: 932 (see shared/data)."""
    file = shared / "data" / "weights" / "third-party-pickle-resnet20.th"
    rows = shared / "data" / "cifar10-test1017" / "test_batch_first1017_lossless.bin"
    if "resnet20" not in CATALOG or not file.is_file() or not rows.is_file():
        pytest.skip("needs resnet20 in the catalogue, its weights and the test pictures")
    names = [str(number) for number in range(10)]
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    done = import_weights(file, net="resnet20", output=tmp_path / "m.safetensors", classes=names, mean=mean, std=std)
    content = np.fromfile(rows, np.uint8).reshape(1017, 3073)
    pictures = content[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    answers = Predictor.open(done.path).predict(list(pictures), batch_size=256)
    right = sum(answer.best == str(row[0]) for answer, row in zip(answers, content, strict=True))
    assert right == 932


def held_by(seed: int = 1, classes: int = 10) -> dict[str, torch.Tensor]:
    """The tensors of LeNet-5 by our names."""
    model = build(CATALOG["lenet5"].function(classes), Shape(1, 28, 28), seed=seed)
    return {name: tensor for name, tensor in model.state_dict().items() if not name.startswith("input.")}


@pytest.fixture
def here(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read pickles of our own as the child does, but in this process: it takes seconds to start one."""

    def within(path: Path, *, entry: str = "", limits: object = None) -> parent.Passed:
        content = path.read_bytes()
        if content[8:9] == b"{":
            return parent.through(path, entry=entry)
        try:
            tensors, said = child._read(io.BytesIO(content), 2**24, entry)
        except child.Refused as refused:
            raise ModelError(f"{path} {refused}") from None
        names = {key: tuple(said[key]) for key in ("skipped", "beside", "others")}
        return parent.Passed(tensors, "0" * 64, len(content), part=said["part"], **names)

    monkeypatch.setattr(weights_import, "through", within)


def checkpoints() -> dict[str, Any]:
    """What training programs save: of the same net, each in its own way."""
    held = held_by()
    net = build(CATALOG["lenet5"].function(10), Shape(1, 28, 28), seed=1)
    plain = torch.nn.Module()
    for name, part in net.named_children():
        if name != "input":
            plain.add_module(name, part)
    averaged = torch.optim.swa_utils.AveragedModel(plain)
    wrapped = {f"model.{name}": tensor for name, tensor in held.items()}
    return {
        "lightning": {
            "state_dict": {**wrapped, "loss.weight": torch.ones(10)},
            "hyper_parameters": argparse.Namespace(lr=0.1, inner=argparse.Namespace(name="x")),
            "epoch": 3,
        },
        "timm": {"state_dict": held, "args": argparse.Namespace(lr=0.1), "metric": np.float64(0.91)},
        "averaged": averaged.state_dict(),
        "accelerate": {f"module._orig_mod.{name}": tensor for name, tensor in held.items()},
        "compiled inside": {f"net._orig_mod.{name}": tensor for name, tensor in held.items()},
        "a backbone": {f"backbone.body.{name}": tensor for name, tensor in held.items()},
        "scalars": {"model": held, "best": np.float32(0.5), "seen": np.arange(3), "where": Path("/tmp/x")},
        "settings": {"model": held, "args": types.SimpleNamespace(a=1), "when": datetime.now(), "d": defaultdict(list)},
    }


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.usefixtures("here")
def test_what_training_programs_save_comes_in(zipped: bool, tmp_path: Path) -> None:
    held = held_by()
    for name, saved in checkpoints().items():
        torch.save(saved, tmp_path / "x.pth", _use_new_zipfile_serialization=zipped)
        done = import_weights(tmp_path / "x.pth", net="lenet5", output=tmp_path / f"{name}.safetensors")
        tensors, facts = weights.read(done.path)
        assert all(torch.equal(tensors[part], tensor) for part, tensor in held.items()), name
        assert len(facts.names) == 10


@pytest.mark.usefixtures("here")
def test_what_is_beside_the_weights_is_said(tmp_path: Path) -> None:
    torch.save(checkpoints()["lightning"], tmp_path / "x.ckpt")
    notes = import_weights(tmp_path / "x.ckpt", net="lenet5", output=tmp_path / "m.safetensors").notes
    assert "model. was taken off every name." in notes
    assert "loss.weight beside it: not the net's, not taken." in notes
    assert "The weights were in its state_dict; hyper_parameters, epoch beside it were not taken." in notes


@pytest.mark.parametrize("prefix", ["model.", "net.", "backbone.", "module.", "_orig_mod.", "any.thing."])
def test_one_prefix_comes_off_safetensors_too(prefix: str, tmp_path: Path) -> None:
    file = publish(tmp_path / "theirs.safetensors", prefix=prefix)
    done = import_weights(file, net="lenet5", output=tmp_path / "m.safetensors")
    assert all(torch.equal(weights.read(done.path)[0][name], tensor) for name, tensor in held_by().items())


@pytest.mark.usefixtures("here")
def test_averaged_weights_beside_the_others_are_asked_for(tmp_path: Path) -> None:
    held, ema = held_by(), held_by(seed=2)
    kinds: dict[str, dict[str, Any]] = {
        "ema": {"state_dict": held, "ema": ema},
        "timm": {"state_dict": held, "state_dict_ema": ema},
        "deeper": {"model": held, "model_ema": {"module": ema, "decay": 0.99}},
        "flat": {**{f"model.{name}": t for name, t in held.items()}, **{f"ema.{name}": t for name, t in ema.items()}},
    }
    for name, saved in kinds.items():
        torch.save(saved, tmp_path / "x.pth")
        for entry, wanted in (("", held), ("ema", ema)):
            out = tmp_path / f"{name}{entry}.safetensors"
            done = import_weights(tmp_path / "x.pth", net="lenet5", output=out, entry=entry)
            assert all(torch.equal(weights.read(out)[0][part], tensor) for part, tensor in wanted.items()), (
                name,
                entry,
            )
            if name == "timm" and not entry:
                assert "state_dict_ema beside it holds weights too: --entry state_dict_ema takes them." in done.notes
    with pytest.raises(ModelError, match=r"has no entry 'swa' that holds weights; it holds some in ema, model"):
        import_weights(tmp_path / "x.pth", net="lenet5", output=tmp_path / "no.safetensors", entry="swa")


def test_averaged_weights_in_safetensors_are_asked_for(tmp_path: Path) -> None:
    both = {f"{name}.{part}": t for seed, name in ((1, "model"), (2, "ema")) for part, t in held_by(seed).items()}
    save_file({name: tensor.contiguous() for name, tensor in both.items()}, tmp_path / "x.safetensors")
    done = import_weights(tmp_path / "x.safetensors", net="lenet5", output=tmp_path / "m.safetensors", entry="ema")
    assert torch.equal(weights.read(done.path)[0]["dense1.weight"], held_by(2)["dense1.weight"])
    with pytest.raises(ModelError, match="has no names that begin with 'swa'; they begin with ema, model"):
        import_weights(tmp_path / "x.safetensors", net="lenet5", output=tmp_path / "n.safetensors", entry="swa")


@pytest.mark.usefixtures("here")
def test_weights_without_a_head_are_there_to_start_from(tmp_path: Path) -> None:
    held = {f"backbone.{name}": t for name, t in held_by().items() if not name.startswith("dense3.")}
    torch.save({"state_dict": held}, tmp_path / "x.pth")
    done = import_weights(tmp_path / "x.pth", net="lenet5", output=tmp_path / "m.safetensors")
    assert done.notes[-1].startswith("It has no head, answers nothing, and is to start from: striate train PICTURES")
    with pytest.raises(ModelError, match="came without a head, so that it answers nothing; start a training from it"):
        Predictor.open(done.path)
    digits = tmp_path / "digits.npz"
    rng = np.random.default_rng(0)
    np.savez(digits, images=rng.integers(0, 256, (60, 28, 28), np.uint8), labels=np.arange(60) % 3)
    recipe = Recipe(source=str(digits), start=str(done.path), tune="head", threads=1, device="cpu")
    run = train(recipe, workspace=Workspace(tmp_path / "runs"))
    trained = weights.read(run.model_path)[0]
    assert torch.equal(trained["conv2.weight"], held_by()["conv2.weight"]) and trained["dense3.weight"].shape == (3, 84)


@pytest.mark.usefixtures("here")
def test_as_takes_a_net_in_words_or_a_file_of_one(tmp_path: Path) -> None:
    text = "conv 4 3x3 pad 1 >> batchnorm >> relu >> globalavgpool >> flatten >> dense"
    theirs = torch.nn.Sequential(
        torch.nn.Conv2d(3, 4, 3, padding=1),
        torch.nn.BatchNorm2d(4),
        torch.nn.ReLU(),
        torch.nn.AdaptiveAvgPool2d(1),
        torch.nn.Flatten(),
        torch.nn.Linear(4, 3),
    ).eval()
    torch.save(torch.nn.DataParallel(theirs).state_dict(), tmp_path / "x.pth")
    (tmp_path / "net.txt").write_text(text)
    pixels = np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8)
    with torch.no_grad():
        wanted = theirs(torch.tensor(pixels / 255, dtype=torch.float32).permute(2, 0, 1)[None]).softmax(1)[0]
    for as_ in (text, str(tmp_path / "net.txt")):
        done = import_weights(
            tmp_path / "x.pth", net=as_, input=(3, 16, 16), output=tmp_path / "m.safetensors", force=True
        )
        (answer,) = Predictor.open(done.path).predict([pixels])
        np.testing.assert_allclose(answer.probabilities, wanted.numpy(), atol=1e-5)
    with pytest.raises(ModelError, match="--net is a net in words, whose input is not known: say it with --input"):
        import_weights(tmp_path / "x.pth", net=text, output=tmp_path / "n.safetensors")
    with pytest.raises(ModelError, match=r"the net has 7 classes, and the head of x.pth answers for 3"):
        import_weights(tmp_path / "x.pth", net=text + " 7", input=(3, 16, 16), output=tmp_path / "n.safetensors")


NAMES = [f"kind {number}" for number in range(10)]


@pytest.mark.parametrize(
    "content",
    [
        "\n".join(NAMES),
        "\ufeff" + "\r\n".join(NAMES),
        json.dumps(NAMES),
        "\ufeff" + json.dumps({str(number): name for number, name in enumerate(NAMES)}),
        json.dumps({name: number for number, name in reversed(list(enumerate(NAMES)))}),
        json.dumps({str(number): [f"n{number:08}", name] for number, name in enumerate(NAMES)}),
    ],
)
def test_class_files_as_people_have_them(content: str, tmp_path: Path) -> None:
    (tmp_path / "names").write_text(content, encoding="utf-8")
    file = publish(tmp_path / "theirs.safetensors")
    done = import_weights(file, net="lenet5", output=tmp_path / "m.safetensors", classes=tmp_path / "names")
    assert done.facts.names == tuple(NAMES)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("cat\ndog", "names.json is not JSON"),
        ("[]", "names.json holds no names"),
        ('["cat", 3]', "names.json holds no class names"),
        ('{"cat": "dog"}', "names.json holds no class names"),
        ('{"0": "cat", "2": "dog"}', "names.json: its 2 classes are not numbered from 0 to 1, each once: 1 is missing"),
        ('["cat", "cat"]', "names.json names the class 'cat' 2 times"),
        (json.dumps(NAMES[:9]), r"names.json has 9 classes, and the head of theirs.safetensors answers for 10"),
    ],
)
def test_what_is_wrong_with_a_class_file_is_said_of_that_file(content: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "names.json").write_text(content)
    file = publish(tmp_path / "theirs.safetensors")
    with pytest.raises(ModelError, match=said):
        import_weights(file, net="lenet5", output=tmp_path / "m.safetensors", classes=tmp_path / "names.json")
    assert not (tmp_path / "m.safetensors").exists()


def test_as_many_classes_as_the_head_answers_for(tmp_path: Path) -> None:
    file = publish(tmp_path / "theirs.safetensors", classes=4)
    done = import_weights(file, net="lenet5", output=tmp_path / "m.safetensors")
    assert done.facts.names == ("class 0", "class 1", "class 2", "class 3")
