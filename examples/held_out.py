"""Ask the last run about pictures it was never trained on, and say what they are: ``python examples/held_out.py``."""

import numpy as np

import striate
from striate.data.sources.source import find

LEVELS = " .:-=+*#%@"


def drawing(pixels: np.ndarray) -> list[str]:
    """Return a small gray picture as text, one row of pixels a line."""
    gray = pixels.mean(axis=2) if pixels.ndim == 3 else pixels
    return ["".join(LEVELS[int(value) * len(LEVELS) // 256] * 2 for value in row) for row in gray]


def main() -> None:
    """Show six held-out pictures with their answers."""
    run = striate.Run.open("last")
    source = find(run.recipe.source)
    places = {item.key: index for index, item in enumerate(source.items)}
    chosen = [places[key] for key in run.split["test"][:6]]
    pictures = [source.picture(index) for index in chosen]
    answers = run.predict(pictures)
    for index, picture, answer in zip(chosen, pictures, answers, strict=True):
        truth = source.label_names[source.items[index].target]
        lines = [*drawing(np.asarray(picture)), f"is {truth}; answered {answer}"]
        print("\n".join(lines), end="\n\n")
    print(f"{run.name}: {len(run.split['test'])} held-out pictures; open {run.report.absolute()}")


if __name__ == "__main__":
    main()
