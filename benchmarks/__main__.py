"""``python -m benchmarks [NAME ...] [--write] [--trials N]``: run all, or those named, and print what they found.

With ``--write`` each also replaces its own section of docs/benchmarks.md, between its marks.
"""

import argparse
import importlib
import sys

from benchmarks import table
from benchmarks.machine import machine

BENCHMARKS = {
    "limit": "what this machine can do: arithmetic, decoding, disk",
    "startup": "how long --help, describe, import, filter and dot take",
    "mnist": "MNIST to 99.2 % from a cold process, in turns with the Keras example",
    "cifar": "cifar10-folder from JPEGs to 66.7 %, in turns with the Keras tutorial's network",
    "first_pass": "2,000 JPEGs of 500x375 decoded, turned upright, resized to 160 and stored, beside Pillow in a loop",
    "training": "ResNet-18 at 160 pixels, batches of 32, float32, beside plain PyTorch and the machine's limit",
    "convolutions": "the convolutions of that step by themselves: what it cannot take less than",
    "threads": "small steps by how long threads wait awake, alone and beside busy programs",
    "predict": "one picture and a folder of 1,000 from a cold process, in turns with a plain PyTorch script",
    "serve": "a server under load, in turns with a plain FastAPI and torch handler; ten times more than it carries",
    "look": "a page of evidence for one picture, by a ResNet-18 at 224 pixels, from a cold process",
    "planted": "a planted cause, learnt by the default net: how much of the evidence lies on it, by method",
    "waiting": "the share of an epoch spent waiting for data",
    "hostile": "hostile model files: time and memory until they are refused",
    "memory": "training on ten times the memory that the process may have",
    "accuracy": "what the defaults reach on digits, MNIST, cifar10-folder and cats and dogs",
    "fine_tune": "cats and dogs from SqueezeNet's weights, in turns with a plain PyTorch script",
    "trunk": "photographs by the default start, in turns with a plain PyTorch script; flowers5 beside SqueezeNet",
    "tags": "several tags a picture: scenes by the default start, in turns with a plain one-against-rest regression",
    "scenes": "boxes, masks and counts by the defaults, from a cold cache: figures, CPU time, forecasts",
    "missed": "why objects of test pictures were missed, by cause",
    "mosaics": "test pictures put together: answers by tiles beside those of single pictures",
    "search": "pictures that are alike: an index in turns with a plain PyTorch script, its update, exact search",
    "alike": "pictures that are alike: how many of their class are found first, by vectors of several kinds; groups",
    "strangers": "photo sets as strangers to each other, over the features of the default trunk",
    "copies": "near copies among pictures with one variant of each: F1 and precision by pairs",
    "label_errors": "5 % of labels exchanged: average precision of the ranking, beside cleanlab's",
    "class_faults": "what doctor says of classes with planted faults: one made two, strangers, leaks; learning curves",
    "coverage": "how often the interval of a cross-validated figure holds what the model is worth elsewhere",
    "asymmetric": "several tags from chance: the asymmetric loss beside cross-entropy, on validation pictures",
    "conformal": "how often the 90 % intervals of predicted numbers hold the true one, over lists drawn from real ones",
    "calibration": "calibration error before and after, over small folders drawn from large ones",
    "held_out": "a digit held out of MNIST: how well our own net tells it from the known, beside the largest softmax",
    "unknown": "the same over many small nets and several scores: why ours is what it is",
}
# Only by name: minutes to an hour each, and no claim of speed.
LONG = (
    "serve",
    "label_errors",
    "class_faults",
    "copies",
    "search",
    "alike",
    "scenes",
    "missed",
    "mosaics",
    "accuracy",
    "planted",
    "threads",
    "held_out",
    "unknown",
    "coverage",
    "conformal",
    "calibration",
    "asymmetric",
)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--write", action="store_true", help="replace the sections of docs/benchmarks.md")
    parser.add_argument("--trials", type=int, default=2)
    options = parser.parse_args()
    names = options.names or [name for name in BENCHMARKS if name not in LONG]
    if wrong := [name for name in names if name not in BENCHMARKS]:
        sys.exit(f"there is no benchmark {wrong[0]!r}; there are {', '.join(BENCHMARKS)}")
    failed = []
    for name in names:
        print(f"## {name}: {BENCHMARKS[name]}\n", flush=True)
        try:
            result: table.Result = importlib.import_module(f"benchmarks.{name}").run(options.trials)
        except (Exception, SystemExit) as error:  # one that fails takes no others with it
            failed.append(name)
            print(f"{name} failed: {error}\n", flush=True)
            continue
        body = table.markdown(result, machine=machine())
        page = table.PAGE.read_text()  # now, not before: it may have been edited during a long run
        worse = [*table.passed(result), *table.slower(result, table.published(name, page))]
        print("\n" + body, flush=True)
        print("\n".join(worse), flush=True)
        if options.write:
            body = "\n\n".join([body.strip(), *worse])
            table.PAGE.write_text(table.replaced(name, BENCHMARKS[name], body, page))
    if failed:
        sys.exit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
