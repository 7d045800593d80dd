"""What one picture may take: limits for nets that come out of a file, and for nets that are to go into one. No torch.

A text of a few words describes a net of any size, and whoever opens its file would find out by running out of memory.
The figures are far above every network of the catalogue and far below what ends a laptop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from striate.errors import ModelError

if TYPE_CHECKING:
    from striate.spec.net import Net
    from striate.spec.survey import Survey

MOST_LAYERS: Final = 6_000  # repeats written out; densenet201 has 805, a ResNet of 1,202 layers some 4,500
MOST_BYTES: Final = 1 << 30  # of a part and what it is given, for one picture: a U-Net on 512x512 has 268 MB
MOST_MACS: Final = 5 * 10**12  # for one picture: vgg19 has 0.02 T on 224x224 and 1.6 T on 2048x2048


def check_layers(net: Net) -> None:
    """Refuse a net of more layers than any is deep, before it is followed. Raises ModelError."""
    from striate.spec.trace import layer_count

    if (layers := layer_count(net)) > MOST_LAYERS:
        raise ModelError(f"its net has {layers:,} layers, and no more than {MOST_LAYERS:,} are followed")


def check_survey(survey: Survey) -> None:
    """Refuse a net that takes more memory or work for one picture than is begun. Raises ModelError.

    Example: ``check_survey(net.on(3, 224, 224))``
    """
    before = 4 * survey.input.elements
    for row in survey.rows:
        if before + row.memory_bytes > MOST_BYTES:
            raise ModelError(
                f"{row.path} ({row.layer}) would take {(before + row.memory_bytes) / 2**30:.1f} GiB for one picture of"
                f" {survey.input}, and no more than {MOST_BYTES >> 30} GiB are begun; make the pictures smaller"
            )
        before = row.memory_bytes
    if survey.macs > MOST_MACS:
        raise ModelError(
            f"its net takes {survey.macs / 1e12:.1f} T multiplications for one picture of {survey.input}, and no more"
            f" than {MOST_MACS / 1e12:g} T are begun; make the pictures smaller"
        )
