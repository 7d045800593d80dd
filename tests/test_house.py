"""The plan of the house, kept by test: who may import whom, and who must never need torch or numpy."""

from __future__ import annotations

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SRC = Path(__file__).resolve().parents[1] / "src" / "striate"
ORDER = [
    ["words", "recipe_words", "errors", "defaults"],
    ["files"],
    ["spec"],
    ["nets"],
    ["settings"],
    ["train_config"],
    ["recipe"],
    ["data"],
    ["model"],
    ["metrics"],
    ["tasks"],
    ["engine"],
    ["runs"],
    ["interpret", "search", "export"],  # which do not import each other
    ["render"],
    ["verbs"],
    ["session"],
    ["web"],
    ["cli"],
]
RANK = {room: rank for rank, rooms in enumerate(ORDER) for room in rooms}
NO_TORCH = [
    "errors",
    "files",
    "spec",
    "nets",
    "recipe",
    "settings",
    "train_config",
    "metrics",
    "data.sources.source",
    "data.split",
    "data.strata",
    "data.pictures.image",
    "data.pictures.preprocess",
    "data.store.store",
    "model.sandbox.parent",
    "tasks.prediction",
    "search.embedder",
    "search.index_files",
    "search.nearest",
    "search.regions",
    "search.scale",
    "search.checks.table",
    "search.measured_files",
    "verbs.doctor",
    "verbs.find",
    "verbs.index",
    "interpret.arithmetic.filters",
    "interpret.arithmetic.walk",
    "interpret.arithmetic.contributions",
    "interpret.probe",
    "interpret.onnx_probe",
    "interpret.arithmetic.dot",
    "tasks.decode",
    "tasks.task",
    "tasks.classify",
    "tasks.table",
    "runs.onnx_file",
    "runs.predictor",
    "runs.rebuild",
    "export.onnx_layers",
    "export.onnx_walk",
    "export.onnx_parts",
    "render.blocks",
    "render.svg.diagram",
    "render.html.page",
    "render.html.look_page",
    "render.html.dot_page",
    "verbs.describe",
    "verbs.predict",
    "cli.predict",
    "verbs.nets",
    "verbs.prepare",
    "verbs.cache",
    "verbs.dot",
    "verbs.probe",
    "verbs.filter",
    "verbs.walk",
    "verbs.recipes",
    "verbs.weights",
    "verbs.weights_import",
    "cli.main",
    "cli.convert",
    "cli.describe",
    "cli.dot",
    "cli.filter",
    "cli.walk",
    "cli.nets",
    "cli.recipes",
    "cli.train",
    "cli.weights",
    "web.server.server",
    "web.server.finding",
    "web.studio.studio",
    "web.studio.application",
    "web.studio.question_process",
    "cli.studio",
    "cli.serve",
]
FILES = sorted(SRC.rglob("*.py"))


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


def room_of(module: str) -> str:
    return module.split(".")[1] if module.count(".") else "striate"


def imports(path: Path) -> list[tuple[int, str]]:
    """Every module of ours that a file imports anywhere, functions and type checking included."""
    found = []
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno} imports relatively"
            module = node.module or ""
            names = [alias.name for alias in node.names] if module == "striate" else []
            found += [(node.lineno, f"striate.{name}") for name in names] or [(node.lineno, module)]
    return [(line, name) for line, name in found if name.split(".")[0] == "striate"]


def within(path: Path, function: str) -> set[int]:
    """The lines of all functions of this name in a file."""
    there = [node for node in ast.walk(parsed(path)) if isinstance(node, ast.FunctionDef) and node.name == function]
    return {line for node in there for line in range(node.lineno, (node.end_lineno or node.lineno) + 1)}


def test_imports_run_one_way() -> None:
    wrong = []
    for path in FILES:
        room = path.relative_to(SRC).parts[0].removesuffix(".py")
        draws = {("tasks", line) for line in within(path, "drawn")}  # an answer draws itself where it is asked to
        for line, module in imports(path) if room != "__init__" else ():
            other = room_of(module)
            if other not in RANK:
                wrong.append(f"{path.relative_to(SRC)}:{line} imports {module}, which is no room")
            elif other != room and RANK[other] >= RANK[room]:
                if (room, line) in draws and module.startswith("striate.render.png."):
                    continue
                wrong.append(f"{path.relative_to(SRC)}:{line}: {room} may not import {other}")
    assert not wrong, "\n".join(wrong)


def test_every_room_has_its_place() -> None:
    # A folder without Python (recipes/) is no room.
    rooms = {path.stem for path in SRC.iterdir() if path.suffix == ".py" or any(path.glob("*.py"))}
    assert rooms - {"__init__", "__pycache__", "py.typed"} == set(RANK)


LIGHT = ("spec", "nets", "errors", "files")  # which need no NumPy either


@pytest.mark.parametrize(("heavy", "light"), [(("torch", "sklearn"), False), (("torch", "sklearn", "numpy"), True)])
def test_needs_no_torch(heavy: tuple[str, ...], light: bool) -> None:
    modules = [name for name in NO_TORCH if not light or name.split(".", maxsplit=1)[0] in LIGHT]
    if fetched_by(modules, heavy):  # all in one process: what none of them fetches, no one alone does
        offenders = {module: found for module in modules if (found := fetched_by([module], heavy))}
        pytest.fail(f"these fetch what they must not: {offenders}")


def fetched_by(modules: list[str], heavy: tuple[str, ...]) -> list[str]:
    """Return which of ``heavy`` a fresh Python has loaded once it has imported ``modules``."""
    code = "import sys, importlib; [importlib.import_module('striate.' + name) for name in sys.argv[1].split()]"
    code += f"; print(*[name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code, " ".join(modules)], capture_output=True, text=True, check=True)
    return done.stdout.split()


def test_what_must_not_be_fetched_is_found() -> None:
    assert fetched_by(["engine.fit"], ("torch", "numpy", "tkinter")) == ["torch", "numpy"]


# What an answer waits for: most of the time of a cold `striate predict` is imports, so what it needs is counted. With
# NumPy 2, Pillow and ONNX Runtime it is 360 modules at most, 84 of them ours.
MOST, MOST_OF_OURS = 385, 90
NOT_TO_ANSWER = (
    *("torch", "sklearn", "scipy", "pandas", "pydantic", "jinja2", "statistics", "http", "ssl"),
    *("striate.recipe", "striate.settings", "striate.train_config", "striate.defaults"),
    *("striate.data.strata", "striate.data.labels.enough", "striate.data.sources.items"),
    *("striate.engine", "striate.interpret", "striate.export", "striate.render", "striate.verbs.weights"),
    *("striate.metrics.classification", "striate.metrics.intervals", "striate.metrics.outcomes"),
    *("striate.metrics.reliability", "striate.metrics.tagging", "striate.metrics.verdict"),
    *("striate.tasks.assessment", "striate.tasks.sections", "striate.tasks.pairing", "striate.tasks.question"),
)
FAMILY = {
    "classify": ("classify", "class_"),
    "tag": ("tag",),
    "regress": ("regress", "number"),
    "detect": ("detect", "box", "cells"),
    "segment": ("segment", "masks"),
    "count": ("count", "points"),
}
"""How the names of a task's own modules begin."""
COLUMN = {"mean": 0.0, "scale": 1.0, "period": None, "start": 0.0}
LABELS = {
    "regress": {"units": ["", ""], "columns": [COLUMN, COLUMN]},
    "detect": {"levels": [[6, 6]], "input": [8, 8]},
}
ENDS = {"detect": "conv 6 1x1 >> flatten", "segment": "conv 2 1x1", "count": "conv 2 1x1"}
"""How a net of two names ends, where that is not in two numbers."""
PREDICT = """
import sys
from striate.cli.main import main
sys.argv = ["striate", "predict", *sys.argv[1:]]
main()
print(*sys.modules)
"""


@pytest.mark.parametrize("name", list(FAMILY))
def test_what_predicting_imports(name: str, tmp_path: Path) -> None:
    from striate.data.pictures.preprocess import Preprocess
    from striate.export.onnx import export_onnx
    from striate.model.build.model import build
    from striate.model.files.weights import ModelFile, to_pieces
    from striate.spec import Shape, parse
    from striate.tasks.table import TASKS
    from striate.verbs.export import graph_for

    assert FAMILY.keys() == TASKS.keys()
    ends = ENDS.get(name, "globalavgpool >> flatten >> dense 2")
    net, task = parse(f"conv 2 3x3 >> relu >> {ends}"), TASKS[name]
    how = Preprocess(8, 8, 1)
    model = build(net, Shape(1, 8, 8), preprocess=how, seed=0).eval()
    facts = ModelFile(
        net=str(net),
        input=(1, 8, 8),
        task=name,
        names=("one", "two"),
        labels=LABELS.get(name, {}),
        preprocess=how.to_dict(),
        state=task.unlearnt("nothing is learnt").facts,
        provenance={},
    )
    file, picture = tmp_path / "model.safetensors", tmp_path / "picture.png"
    content, digest = graph_for(model, task)
    file.write_bytes(b"".join(to_pieces(model.state_dict(), facts, graph=digest)))
    export_onnx(model, file, np.zeros((4, 8, 8, 1), np.uint8), content=content)
    Image.new("L", (8, 8), 200).save(picture)
    asked = [sys.executable, "-c", PREDICT, str(picture), "--model", str(file)]
    done = subprocess.run(asked, capture_output=True, text=True, check=True)
    answer, imported = done.stdout.splitlines()
    modules = imported.split(" ")
    assert answer and "onnxruntime" in modules and f"striate.tasks.{name}" in modules
    others = tuple(f"striate.tasks.{start}" for other, starts in FAMILY.items() if other != name for start in starts)
    shared = {"striate.tasks.table", "striate.tasks.task"}
    assert not [
        module
        for module in modules
        if module in NOT_TO_ANSWER
        or module.startswith(tuple(f"{one}." for one in NOT_TO_ANSWER))
        or (module.startswith("striate.metrics.") and "report" in module)
        or (module.startswith(others) and module not in shared)
    ]
    ours = [module for module in modules if module.split(".")[0] == "striate"]
    assert len(ours) <= MOST_OF_OURS and len(modules) <= MOST, f"{len(modules)} modules, {len(ours)} of them ours"


def test_importing_striate_imports_nothing_heavy_and_every_public_name_is_there() -> None:
    code = (
        "import sys, striate; heavy = 'torch', 'numpy', 'PIL', 'pydantic', 'click', 'jinja2';"
        "print([n for n in heavy if n in sys.modules]);"
        "print([n for n in striate.__all__ if getattr(striate, n) is None])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["[]", "[]"]


# The one file that reads a pickle, in a process that is locked in before it does: docs/architecture.md, "The sandbox".
DOOR = ["model/sandbox/child.py"]


def test_nothing_is_pickled() -> None:
    for path in FILES:
        for node in ast.walk(parsed(path)):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import | ast.ImportFrom) else []
            assert not {"pickle", "cloudpickle", "joblib", "shelve", "marshal"} & set(names), f"{path}:{node.lineno}"
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "torch":
                inside = path.relative_to(SRC).as_posix() in DOOR
                assert inside or node.attr not in ("load", "save"), f"{path}:{node.lineno} uses torch.{node.attr}"
            if isinstance(node, ast.Call) and ast.unparse(node.func) == "torch.load":
                given = {word.arg: ast.unparse(word.value) for word in node.keywords}
                assert given["weights_only"] == "True", f"{path}:{node.lineno} loads more than weights"
            if isinstance(node, ast.keyword) and node.arg == "allow_pickle":
                assert isinstance(node.value, ast.Constant) and node.value.value is False, f"{path}:{node.value.lineno}"


# What reads without striate.files, and what it reads: never a file that a person names.
OWN = {
    "data/store/cache.py": "the cache's own files",
    "data/sources/download.py": "what was just downloaded",
    "data/labels/imagenet.py": "a file of the package",
    "data/store/storefile.py": "the cache's own files",
    "export/int8.py": "what was just written",
    "model/sandbox/child.py": "descriptors it was given",
    "model/sandbox/jail.py": "the system's own figures",
    "model/sandbox/parent.py": "what the child wrote",
    "recipe.py": "files of the package",
    "render/html/model_scripts.py": "files of the package",
    "runs/durable.py": "the end of a file it is about to append to",
    "runs/environment.py": "the system's own figures",
    "runs/lock.py": "a lock that is held",
    "verbs/export.py": "pictures of scikit-learn",
    "web/studio/page_files.py": "files of the package",
    "verbs/weights.py": "the cache's own files",
}


def test_files_that_a_person_names_are_opened_in_one_place() -> None:
    found = {}
    for path in FILES:
        name = path.relative_to(SRC).as_posix()
        for node in ast.walk(parsed(path)):
            if name == "files.py" or not isinstance(node, ast.Call):
                continue
            called = ast.unparse(node.func)
            of_ours = called.startswith("files.") or called in ("read_bytes", "read_text")
            reads = called.endswith((".read_bytes", ".read_text")) and not of_ours
            binary = any(isinstance(one, ast.Constant) and one.value == "rb" for one in node.args)
            opens = called in ("open", "gzip.open") or (called.endswith(".open") and binary)
            if reads or opens:
                found[name] = node.lineno
    assert found.keys() <= OWN.keys(), f"use striate.files in {[(n, found[n]) for n in found.keys() - OWN.keys()]}"
    assert OWN.keys() <= found.keys(), f"no longer needed here: {OWN.keys() - found.keys()}"


# Where a task may be known by its name, its output or its classes: the tasks, the readers of labels, their own pages,
# and what describes nets and figures, which have classes of their own.
KNOWING = (
    "tasks/",
    "data/labels/",
    "data/sources/",
    "render/tasks/",
    "metrics/",
    "nets/",
    "model/pretrained/",
    "spec/",
)
# And what else does, each for its reason. A file that does not any more leaves the list.
STILL = {
    "cli/describe.py": "how many outputs a net described by its name has is said as --classes",
    "cli/probe_options.py": "as `striate describe`",
    "cli/weights_import.py": "somebody else's weights are a classifier's, and --classes names its outputs",
    "interpret/torch_probe.py": "an untrained net by its name",
    "model/adopt/examine.py": "`striate.adopt` takes classifiers, and their classes by that keyword",
    "model/adopt/taken.py": "as `striate.adopt`",
    "model/build/model.py": "how many numbers a net puts out, as `Net.with_classes` has it",
    "runs/predictor.py": "`Predictor.classes`, for whoever used it before there were other tasks",
    "runs/rebuild.py": "how many numbers a net puts out, as `Net.with_classes` has it",
    "session/adopted.py": "as `striate.adopt`",
    "session/asked.py": "`striate.look` at an untrained net by its name",
    "search/checks/boxes.py": "boxes that are labelled have classes",
    "verbs/box_doubts.py": "what boxes speak against is boxes, with classes",
    "verbs/told.py": "labels that are doubted are classes, and `label_issues` is told how many",
    "web/studio/journeys/network.py": "as `striate describe`",
    "verbs/adopt.py": "`striate.adopt` takes classifiers, and their classes by that keyword",
    "verbs/describe.py": "how many outputs a net described by its name has",
    "verbs/look.py": "an untrained net by its name",
    "verbs/nets.py": "how many classes the nets of the catalogue were published for",
    "verbs/probe.py": "an untrained net by its name",
    "verbs/weights.py": "published weights are classifiers",
    "verbs/weights_import.py": "somebody else's weights are a classifier's",
    "words.py": "the plural of a box",
}


def knows_a_task(path: Path) -> list[str]:
    """What of a single task a file speaks of: its name, ``logits``, ``classes``, or a module of its own."""
    from striate.tasks.table import TASKS

    shared = {"table", "task", "values", "answering", "assessment", "pairing", "sections", "prediction", "question"}
    shared |= {
        "card",
        "decoding",
        "missed",
        "objective",
        "overlays",
        "score_map",
        "stranger_skill",
    }  # of whatever a task shows, and has left out
    found, nodes = [], list(ast.walk(parsed(path)))
    keys = [key for node in nodes if isinstance(node, ast.Dict) for key in node.keys]
    keys += [node.slice for node in nodes if isinstance(node, ast.Subscript)]
    words = {id(key) for key in keys if isinstance(key, ast.Constant) and key.value in TASKS}  # of what is counted
    for node in nodes:
        if id(node) in words:
            continue
        if isinstance(node, ast.Constant) and node.value in {*TASKS, *(task.output for task in TASKS.values())}:
            found.append(f"{node.lineno}: {node.value!r}")
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("striate.tasks."):
            module = str(node.module).split(".")[2]
            found += [f"{node.lineno}: tasks.{module}"] if module not in shared else []
        else:
            word = getattr(node, "id", None) or getattr(node, "attr", None) or getattr(node, "arg", None)
            if isinstance(node, ast.FunctionDef):
                word = node.name
            if word in ("logits", "classes"):
                found.append(f"{getattr(node, 'lineno', '?')}: {word}")
    return found


def test_only_tasks_know_which_task_it_is() -> None:
    found = {
        name: known
        for path in FILES
        if not (name := path.relative_to(SRC).as_posix()).startswith(KNOWING) and (known := knows_a_task(path))
    }
    more = found.keys() - STILL.keys()
    assert not more, {name: found[name][:5] for name in sorted(more)}
    stale = STILL.keys() - found.keys()
    assert not stale, f"no longer needed here: {sorted(stale)}"


def test_only_durable_replaces_files_in_runs() -> None:
    for path in (SRC / "runs").glob("*.py"):
        if path.name == "durable.py":
            continue
        text = path.read_text(encoding="utf-8")
        for call in ("os.replace(", "os.rename(", ".write_text(", ".write_bytes(", "os.fsync("):
            assert call not in text, f"{path} uses {call}..."


def test_files_hold_one_idea() -> None:
    for path in FILES:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        assert lines <= 350, f"{path} has {lines} lines"
        assert path.stem not in ("utils", "helpers", "common", "misc"), path


def test_the_plan_names_every_file_and_no_other() -> None:
    text = (SRC.parents[1] / "docs" / "architecture.md").read_text(encoding="utf-8")
    room, planned = "", set()
    for line in text.splitlines():
        if line.startswith("**`"):
            room = line[3:].partition("`")[0]
        elif line.startswith("| `") and line.endswith(" |"):
            planned.add(room + line[3:].partition("`")[0])
    there = {path.relative_to(SRC).as_posix() for path in FILES if path.name != "__init__.py" and path.parent != SRC}
    assert planned == there


FLUENT = "striate.spec."  # a net answers for itself (net.on, net.text), by files that are of nets


def fetched(path: Path, modules: set[str]) -> set[str]:
    """Every module of ours that a file needs when it runs: inside functions, and by name, too; types alone not."""
    tree = parsed(path)
    guarded = [
        node for node in ast.walk(tree) if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
    ]
    skipped = {id(inner) for node in guarded for inner in ast.walk(node)}
    found = set()
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            inner = {f"{node.module}.{alias.name}" for alias in node.names}
            found |= (inner & modules) | {node.module}
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.add(node.value)  # a module by its name: given to import_module here, or put into a table for that
    return found & modules


def test_no_circle_of_imports() -> None:
    paths = {
        "striate." + ".".join(path.relative_to(SRC).with_suffix("").parts): path
        for path in FILES
        if path.name != "__init__.py"
    }
    needs = {name: fetched(path, set(paths)) - {name} for name, path in paths.items()}
    left = {name: {other for other in others if not (name.startswith(FLUENT) and other.startswith(FLUENT))}
            for name, others in needs.items()}  # fmt: skip
    while free := [name for name, others in left.items() if not others & left.keys()]:
        for name in free:
            del left[name]
    circle = {name: sorted(others & left.keys()) for name, others in left.items()}
    assert not circle, f"these import each other in a circle: {circle}"
