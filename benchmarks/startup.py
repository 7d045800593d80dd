"""How long a person waits before anything happens: --help, describe, import striate."""

import sys
import tempfile
from pathlib import Path

from benchmarks.machine import machine, spread, timed

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


def main() -> None:
    striate = [sys.executable, "-m", "striate.cli"]
    with tempfile.TemporaryDirectory() as folder:
        net = Path(folder, "resnet34.net")
        net.write_text(RESNET)
        commands = {
            "python -c pass (the floor)": ([sys.executable, "-c", "pass"], None),
            "striate --help": ([*striate, "--help"], 0.4),
            "striate describe, a ResNet-34 as text": ([*striate, "describe", str(net), "--input", "3x224x224"], 0.35),
            "striate describe resnet152": ([*striate, "describe", "resnet152"], 0.35),
            "import striate (its own part)": ([sys.executable, "-c", "import striate"], 0.05),
        }
        times: dict[str, list[float]] = {name: [] for name in commands}
        for _ in range(TRIALS):
            for name, (command, _) in commands.items():
                times[name].append(timed(command)[0])
    floor = times["python -c pass (the floor)"]
    times["import striate (its own part)"] = [
        max(0.0, one - other) for one, other in zip(times["import striate (its own part)"], floor, strict=True)
    ]
    print(machine(), "\n")
    print("| command | seconds | bar |\n|---|---|---|")
    for name, (_, bar) in commands.items():
        print(f"| {name} | {spread(times[name], digits=3)} | {f'under {bar} s' if bar else ''} |")
