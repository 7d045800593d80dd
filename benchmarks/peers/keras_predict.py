"""A script that answers for one picture with a ResNet-18 in Keras. Its weights are drawn by chance: only time is asked.

keras_predict.py CLASSES PICTURE, in a venv with keras and tensorflow-cpu.
"""

import sys

import keras
import tensorflow as tf
from keras import layers


def convolved(x, width, kernel, stride):
    x = layers.Conv2D(width, kernel, stride, padding="same", use_bias=False)(x)
    return layers.BatchNormalization()(x)


def block(x, width, stride):
    out = layers.ReLU()(convolved(x, width, 3, stride))
    out = convolved(out, width, 3, 1)
    shortcut = x if stride == 1 and x.shape[-1] == width else convolved(x, width, 1, stride)
    return layers.ReLU()(layers.Add()([out, shortcut]))


def resnet18(classes):
    inputs = keras.Input(shape=(224, 224, 3))
    x = layers.ReLU()(convolved(inputs, 64, 7, 2))
    x = layers.MaxPooling2D(3, 2, padding="same")(x)
    for width, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        x = block(block(x, width, stride), width, 1)
    return keras.Model(inputs, layers.Dense(classes, activation="softmax")(layers.GlobalAveragePooling2D()(x)))


model = resnet18(int(sys.argv[1]))
picture = tf.io.decode_jpeg(tf.io.read_file(sys.argv[2]), channels=3)
pixels = tf.image.resize(picture, (224, 224), antialias=True) / 255.0
answer = model(pixels[None], training=False)[0]
print(sys.argv[2], int(tf.argmax(answer)), f"{float(tf.reduce_max(answer)):.3f}")
