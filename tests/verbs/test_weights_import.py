"""Somebody else's weights become a model file: what is asked, what is said, what is never half-written."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from striate.errors import DataError, ModelError
from striate.model import weights
from striate.model.build import build
from striate.model.door import parent
from striate.nets import CATALOG
from striate.runs.predictor import Predictor
from striate.spec import Shape
from striate.verbs.weights_import import import_weights, unwrapped


def publish(path: Path, *, classes: int = 10, seed: int = 1, prefix: str = "", **changed: torch.Tensor) -> Path:
    """Weights of LeNet-5 as another program would leave them."""
    model = build(CATALOG["lenet5"].function(classes), Shape(1, 28, 28), seed=seed)
    held = {name: tensor for name, tensor in model.state_dict().items() if not name.startswith("input.")}
    held |= {name.replace("__", "."): tensor for name, tensor in changed.items()}
    save_file({prefix + name: tensor.contiguous() for name, tensor in held.items()}, path)
    return path


def test_the_net_answers_as_the_weights_did(tmp_path: Path) -> None:
    file = publish(tmp_path / "theirs.safetensors", prefix="module._orig_mod.")
    done = import_weights(file, as_="LeNet5", output=tmp_path / "m.safetensors", mean=[0.5], std=[0.25])
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
    import_weights(file, as_="lenet5", output=tmp_path / "m.safetensors", classes=["ant", "bee", "cow"])
    facts = weights.read_facts(tmp_path / "m.safetensors")
    assert facts.classes == ("ant", "bee", "cow")
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
    done = import_weights(tmp_path / "theirs.pth", as_="lenet5", output=tmp_path / "m.safetensors")
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
        notes = import_weights(copy, as_="lenet5", output=tmp_path / f"{number}.safetensors").notes
        assert any(note.startswith(said) for note in notes) if said else not any("SHA" in note for note in notes)


def test_other_precisions_become_the_nets(tmp_path: Path) -> None:
    own = build(CATALOG["lenet5"].function(10), Shape(1, 28, 28)).state_dict()
    name = next(name for name in own if name.endswith("weight"))
    file = publish(tmp_path / "half.safetensors", **{name.replace(".", "__"): torch.ones(own[name].shape).half()})
    done = import_weights(file, as_="lenet5", output=tmp_path / "m.safetensors")
    assert "Its float16 numbers became float32." in done.notes
    assert weights.read(done.path)[0][name].dtype == torch.float32


@pytest.mark.parametrize(
    ("words", "asked"),
    [
        ("the catalogue has no net 'lenet6'; did you mean lenet5", {"as_": "lenet6"}),
        ("0 classes", {"classes": 0}),
        ("is it another width, or for other classes", {"classes": 7}),
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
        import_weights(file, **{"as_": "lenet5", **asked})  # type: ignore[arg-type]
    assert [path.name for path in tmp_path.iterdir()] == ["theirs.safetensors"]


def test_values_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    own = build(CATALOG["lenet5"].function(10), Shape(1, 28, 28)).state_dict()
    name = next(name for name in own if name.endswith("weight"))
    file = publish(tmp_path / "nan.safetensors", **{name.replace(".", "__"): own[name] * float("nan")})
    with pytest.raises(ModelError, match=f"{name} holds values that are not finite"):
        import_weights(file, as_="lenet5", output=tmp_path / "m.safetensors")


def test_a_file_that_exists_is_replaced_only_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "m.safetensors"
    output.write_bytes(b"mine")
    file = publish(tmp_path / "theirs.safetensors")
    with monkeypatch.context() as patch:
        patch.setattr(parent, "_opened", None)  # it is refused before anything is read
        with pytest.raises(ModelError, match="exists and was left as it is; --force replaces it"):
            import_weights(file, as_="lenet5", output=output)
    assert output.read_bytes() == b"mine"
    import_weights(file, as_="lenet5", output=output, force=True)
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
    done = import_weights(file, as_="resnet20", output=tmp_path / "m.safetensors", classes=names, mean=mean, std=std)
    content = np.fromfile(rows, np.uint8).reshape(1017, 3073)
    pictures = content[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
    answers = Predictor.open(done.path).predict(list(pictures), batch_size=256)
    right = sum(answer.best == str(row[0]) for answer, row in zip(answers, content, strict=True))
    assert right == 932
