"""``python -m benchmarks [NAME ...]``: run all, or those named; each prints its table and returns it as Markdown."""

import importlib
import sys

BENCHMARKS = {
    "startup": "how long --help, describe and import take",
    "mnist": "MNIST to 99.2 % from a cold process, in turns with the Keras example",
    "accuracy": "what the defaults reach on digits, MNIST, cifar10-folder and cats and dogs",
    "predict": "one picture and a folder of 1,000 from a cold process, in turns with a plain PyTorch script",
    "waiting": "the share of an epoch spent waiting for data",
    "held_out": "a digit held out of MNIST: how well our own net tells it from the known, beside the largest softmax",
    "unknown": "the same over many small nets and several scores: why ours is what it is",
}


def main() -> None:
    names = sys.argv[1:] or list(BENCHMARKS)
    for name in names:
        if name not in BENCHMARKS:
            sys.exit(f"there is no benchmark {name!r}; there are {', '.join(BENCHMARKS)}")
    for name in names:
        print(f"## {name}: {BENCHMARKS[name]}\n", flush=True)
        importlib.import_module(f"benchmarks.{name}").main()
        print(flush=True)


main()
