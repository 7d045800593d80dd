"""How long a person waits before anything happens: --help, describe, import striate, filter and dot."""

import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.machine import measured, striate
from benchmarks.table import Result, Row

TRIALS = 15
RESNET = (
    "conv 64 7x7 stride 2 pad 3 no bias >> batchnorm >> relu >> maxpool 3x3 stride 2 pad 1"
    + "".join(
        f" >> ((conv {w} 3x3 stride {s} pad 1 >> batchnorm >> relu >> conv {w} 3x3 pad 1 >> batchnorm)"
        f" + (conv {w} 1x1 stride {s} >> batchnorm) >> relu)"
        f" >> {n} * ((conv {w} 3x3 pad 1 >> batchnorm >> relu >> conv {w} 3x3 pad 1 >> batchnorm) + identity >> relu)"
        for w, s, n in ((64, 1, 2), (128, 2, 3), (256, 2, 5), (512, 2, 2))
    )
    + " >> globalavgpool >> flatten >> dense 1000"
)


def run(trials: int) -> Result:
    with tempfile.TemporaryDirectory() as folder:
        net = Path(folder, "resnet34.net")
        net.write_text(RESNET)
        picture, runs = Path(folder, "line.txt"), Path(folder, "runs")
        picture.write_text("0 0 1 0 0\n" * 5)
        subprocess.run(striate("train", "digits", "--epochs", "1", "--runs-dir", runs), check=True, capture_output=True)
        number = ("--runs-dir", runs, "--part", "conv2", "--channel", "3", "--at", "2,2")
        floor = "python -c pass (the floor)"
        commands: dict[str, tuple[list[str], float | None]] = {
            floor: ([sys.executable, "-c", "pass"], None),
            "striate --help": (striate("--help"), 0.4),
            "striate describe, a ResNet-34 as text": (striate("describe", net, "--input", "3x224x224"), 0.35),
            "striate describe resnet152": (striate("describe", "resnet152"), 0.35),
            "striate filter sobel-x, 5x5 pixels": (striate("filter", "sobel-x", picture, "--ascii"), 1.0),
            "striate dot, a number of a trained net": (striate("dot", picture, *number), 1.0),
            "import striate (its own part)": ([sys.executable, "-c", "import striate"], 0.05),
        }
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in commands}
        for _ in range(max(trials, TRIALS)):
            for name, (command, _) in commands.items():
                found[name].append(measured(command)[:2])
    bare = [seconds for seconds, _ in found[floor]]
    own = found["import striate (its own part)"]
    found["import striate (its own part)"] = [
        (max(0.0, one - other), peak) for (one, peak), other in zip(own, bare, strict=True)
    ]
    return Result(
        tuple(
            Row(name, tuple(seconds for seconds, _ in times), most=commands[name][1], peak=max(p for _, p in times))
            for name, times in found.items()
        )
    )
