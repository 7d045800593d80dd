"""AlexNet, the network of 2012: as its weights are published, and as its paper has it.

Krizhevsky, Sutskever, Hinton: "ImageNet Classification with Deep Convolutional Neural Networks", NIPS 2012. The
variant whose weights people use is that of Krizhevsky: "One weird trick for parallelizing convolutional neural
networks", arXiv:1404.5997, 2014, as torchvision has it.
"""

from __future__ import annotations

from striate.spec import AdaptiveAvgPool, Conv, Dense, Dropout, Flatten, LocalResponseNorm, MaxPool, Net, ReLU

TORCHVISION = {
    "features.0": "conv1",
    "features.3": "conv2",
    "features.6": "conv3",
    "features.8": "conv4",
    "features.10": "conv5",
    "classifier.1": "dense1",
    "classifier.4": "dense2",
    "classifier.6": "head",
}


def alexnet(classes: int | None = 1000) -> Net:
    """AlexNet for one GPU: fewer filters than the paper's, no groups, no local response normalisation.

    ``classes=None`` leaves the number of classes open. Pooling brings any picture to 6x6 before the dense layers:

        >>> f"{alexnet().on(3, 224, 224).parameters:,}"
        '61,100,840'
    """
    return (
        Conv(64, 11, stride=4, padding=2) >> ReLU() >> MaxPool(3, stride=2)
        >> Conv(192, 5, padding=2) >> ReLU() >> MaxPool(3, stride=2)
        >> Conv(384, 3, padding=1) >> ReLU()
        >> Conv(256, 3, padding=1) >> ReLU()
        >> Conv(256, 3, padding=1) >> ReLU() >> MaxPool(3, stride=2)
        >> AdaptiveAvgPool(6) >> Flatten()
        >> Dropout() >> Dense(4096) >> ReLU()
        >> Dropout() >> Dense(4096) >> ReLU()
        >> Dense(classes).name("head")
    )  # fmt: skip


def alexnet_2012(classes: int | None = 1000) -> Net:
    """AlexNet as published (sections 3.3 to 3.5, figure 2); the groups are its two GPUs, and 227 the input that fits.

    The paper names 224, at which the first layer would lose a row: (224 - 11)/4 is not whole.

        >>> f"{alexnet_2012().on(3, 227, 227).parameters:,}"
        '60,965,224'
    """
    # The paper's alpha of 1e-4 stands before the sum of five squares, ours before their mean.
    norm = LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)
    return (
        Conv(96, 11, stride=4) >> ReLU() >> norm >> MaxPool(3, stride=2)
        >> Conv(256, 5, padding=2, groups=2) >> ReLU() >> norm >> MaxPool(3, stride=2)
        >> Conv(384, 3, padding=1) >> ReLU()
        >> Conv(384, 3, padding=1, groups=2) >> ReLU()
        >> Conv(256, 3, padding=1, groups=2) >> ReLU() >> MaxPool(3, stride=2)
        >> Flatten()
        >> Dense(4096) >> ReLU() >> Dropout()
        >> Dense(4096) >> ReLU() >> Dropout()
        >> Dense(classes).name("head")
    )  # fmt: skip
