"""Describing is quick: no heavy imports, and large nets in a blink."""

from __future__ import annotations

import subprocess
import sys
import time

from striate.spec import Net, parse


def resnet152() -> Net:
    """ResNet-152 of He et al. 2016 with the stride in the 3x3, as text."""

    def block(channels: int, stride: int, *, shortcut: str) -> str:
        return (
            f"((conv {channels} 1x1 no bias >> batchnorm >> relu >> conv {channels} 3x3 stride {stride} pad 1 no bias "
            f">> batchnorm >> relu >> conv {4 * channels} 1x1 no bias >> batchnorm) + {shortcut} >> relu)"
        )

    text = "conv 64 7x7 stride 2 pad 3 no bias >> batchnorm >> relu >> maxpool 3x3 stride 2 pad 1"
    for channels, count, stride in ((64, 3, 1), (128, 8, 2), (256, 36, 2), (512, 3, 2)):
        projection = f"(conv {4 * channels} 1x1 stride {stride} no bias >> batchnorm)"
        text += f" >> {block(channels, stride, shortcut=projection)}"
        text += f" >> {count - 1} * {block(channels, 1, shortcut='identity')}"
    return parse(text + " >> globalavgpool >> flatten >> dense 1000")


def test_resnet152_in_a_blink() -> None:
    net = resnet152()
    best = 1.0
    for _ in range(5):
        began = time.process_time()
        survey = net.on(3, 224, 224)
        best = min(best, time.process_time() - began)
    assert survey.parameters == 60_192_808  # the published count
    assert survey.macs == 11_513_626_624  # 11.5 G; the paper says 11.3 billion
    assert survey.unseen is None
    assert [row.unseen.share for row in survey.rows if row.unseen] == [0.75] * 3
    assert best < 0.1, f"{1000 * best:.0f} ms of CPU time; it takes 20 on a quiet machine"


def test_refusing_it_is_quick_too() -> None:
    began = time.process_time()
    try:
        resnet152().on(3, 21, 24)
    except Exception as error:
        assert "fit" in str(error)
    assert time.process_time() - began < 10


def test_describing_imports_neither_torch_nor_numpy() -> None:
    code = (
        "import sys; from striate import nets; nets.lenet5().on(1, 28, 28).table(100); "
        "heavy = {'torch', 'numpy', 'PIL', 'sklearn', 'pydantic', 'fractions', 'decimal'} & set(sys.modules); "
        "sys.exit(f'imported {heavy}' if heavy else 0)"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
