"""LeNet-5, the network that read a tenth of the cheques of the United States: as published, and as people use it now.

LeCun, Bottou, Bengio, Haffner: "Gradient-Based Learning Applied to Document Recognition", Proc. IEEE 86, 1998.
"""

from __future__ import annotations

from striate.spec import AvgPool, Conv, Dense, Flatten, Net, Rbf, ScaledTanh, Subsample, Tanh

# Table I of the paper: which of the six maps of S2 each of the sixteen maps of C3 sees. The first six take three
# neighbours, the next six four neighbours, three take four that are not neighbours, and the last takes all: different
# inputs force the maps to find different things.
C3_SEES = (
    *((i % 6, (i + 1) % 6, (i + 2) % 6) for i in range(6)),
    *((i % 6, (i + 1) % 6, (i + 2) % 6, (i + 3) % 6) for i in range(6)),
    *((0, 1, 3, 4), (1, 2, 4, 5), (0, 2, 3, 5)),
    (0, 1, 2, 3, 4, 5),
)


def lenet5(classes: int | None = 10) -> Net:
    """LeNet-5 as it is usually written now: dense connections, plain average pooling, tanh; 28x28 digits.

    ``classes=None`` leaves the number of classes open. 61,706 parameters for ten classes:

        >>> f"{lenet5().on(1, 28, 28).parameters:,}"
        '61,706'
    """
    return (
        Conv(6, 5, padding=2) >> Tanh() >> AvgPool(2)
        >> Conv(16, 5) >> Tanh() >> AvgPool(2)
        >> Flatten()
        >> Dense(120) >> Tanh()
        >> Dense(84) >> Tanh()
        >> Dense(classes)
    )  # fmt: skip


def lenet5_1998(classes: int | None = 10) -> Net:
    """LeNet-5 as published (section II.B, figure 2): 32x32 pictures, trained subsampling, the table of C3, fixed RBFs.

    Exactly 60,000 trained parameters:

        >>> f"{lenet5_1998().on(1, 32, 32).parameters:,}"
        '60,000'
    """
    return (
        Conv(6, 5).name("c1") >> ScaledTanh()
        >> Subsample(2).name("s2") >> ScaledTanh()
        >> Conv(16, 5, connections=C3_SEES).name("c3") >> ScaledTanh()
        >> Subsample(2).name("s4") >> ScaledTanh()
        >> Conv(120, 5).name("c5") >> ScaledTanh()
        >> Flatten()
        >> Dense(84).name("f6") >> ScaledTanh()
        >> Rbf(classes).name("output")
    )  # fmt: skip
