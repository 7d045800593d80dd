"""The peer: Keras's "Simple MNIST convnet" example (keras.io/examples/vision/mnist_convnet), run in its own venv.

The network, optimiser, batch and split are the example's; the pictures are read from the IDX files given, and after
each epoch the test accuracy is taken with the clock stopped. Prints one JSON line an epoch: seconds since the process
began (test time left out) and test accuracy; stops when the target is reached.
"""

import gzip
import json
import sys
import time
from pathlib import Path

BEGAN = float(sys.argv[3]) if len(sys.argv) > 3 else time.time()

import keras  # noqa: E402
import numpy as np  # noqa: E402
from keras import layers  # noqa: E402


def idx(path: Path) -> np.ndarray:
    data = gzip.decompress(path.read_bytes())
    sides = [int.from_bytes(data[4 + 4 * i : 8 + 4 * i], "big") for i in range(data[3])]
    return np.frombuffer(data, np.uint8, offset=4 + 4 * data[3]).reshape(sides)


def main(folder: Path, target: float) -> None:
    x_train, x_test = (
        (idx(folder / f"{name}-images-idx3-ubyte.gz").astype("float32") / 255)[..., None] for name in ("train", "t10k")
    )
    y_train, y_test = (
        keras.utils.to_categorical(idx(folder / f"{name}-labels-idx1-ubyte.gz"), 10) for name in ("train", "t10k")
    )
    model = keras.Sequential(
        [
            keras.Input(shape=(28, 28, 1)),
            layers.Conv2D(32, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Conv2D(64, kernel_size=(3, 3), activation="relu"),
            layers.MaxPooling2D(pool_size=(2, 2)),
            layers.Flatten(),
            layers.Dropout(0.5),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])
    stopped = 0.0

    class Clock(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            nonlocal stopped
            begin = time.time()
            accuracy = float(model.evaluate(x_test, y_test, batch_size=1000, verbose=0)[1])
            seconds = begin - BEGAN - stopped
            print(json.dumps({"epoch": epoch + 1, "seconds": round(seconds, 2), "accuracy": accuracy}), flush=True)
            stopped += time.time() - begin
            self.model.stop_training = accuracy >= target

    model.fit(x_train, y_train, batch_size=128, epochs=30, validation_split=0.1, callbacks=[Clock()], verbose=0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
