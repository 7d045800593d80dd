"""The peer: the CNN of the "Convolutional Neural Network (CNN)" tutorial (tensorflow.org/tutorials/images/cnn).

Three convolutions, two dense layers, adam, batches of 32, read from the folder by image_dataset_from_directory and kept
in memory (`cache`, `prefetch`), as Keras's guides advise. Prints one JSON line an epoch: seconds since the process
began (test time left out) and test accuracy; stops when the target is reached, at 15 epochs at the latest.
"""

import json
import sys
import time
from pathlib import Path

BEGAN = float(sys.argv[3]) if len(sys.argv) > 3 else time.time()

import keras  # noqa: E402
import tensorflow as tf  # noqa: E402
from keras import layers  # noqa: E402


def main(folder: Path, target: float) -> None:
    def read(part: str, *, shuffle: bool, batch: int) -> tf.data.Dataset:
        data = keras.utils.image_dataset_from_directory(
            folder / part, image_size=(32, 32), batch_size=None, shuffle=False, verbose=False
        ).map(lambda x, y: (x / 255.0, y), num_parallel_calls=tf.data.AUTOTUNE)
        data = data.cache()
        return (data.shuffle(20_000) if shuffle else data).batch(batch).prefetch(tf.data.AUTOTUNE)

    train, test = read("train", shuffle=True, batch=32), read("test", shuffle=False, batch=500)
    model = keras.Sequential(
        [
            keras.Input(shape=(32, 32, 3)),
            layers.Conv2D(32, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(64, (3, 3), activation="relu"),
            layers.MaxPooling2D((2, 2)),
            layers.Conv2D(64, (3, 3), activation="relu"),
            layers.Flatten(),
            layers.Dense(64, activation="relu"),
            layers.Dense(10),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(optimizer="adam", loss=loss, metrics=["accuracy"])
    stopped = 0.0

    class Clock(keras.callbacks.Callback):
        def on_epoch_end(self, epoch: int, logs: object = None) -> None:
            nonlocal stopped
            begin = time.time()
            accuracy = float(self.model.evaluate(test, verbose=0)[1])
            seconds = begin - BEGAN - stopped
            print(json.dumps({"epoch": epoch + 1, "seconds": round(seconds, 2), "accuracy": accuracy}), flush=True)
            stopped += time.time() - begin
            self.model.stop_training = accuracy >= target

    model.fit(train, epochs=15, callbacks=[Clock()], verbose=0)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
