"""TensorBoard events beside the history, for whoever has a board open anyway. Optional: striate[tensorboard]."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from striate.errors import RecipeError

if TYPE_CHECKING:
    from striate.engine.fit import Epoch


class Board:
    """Writes each epoch's figures as scalars into a folder."""

    def __init__(self, folder: Path) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except Exception as error:  # a broken install raises anything at all
            raise RecipeError(f"--log tensorboard needs: pip install 'striate[tensorboard]' ({error})") from None
        self._writer = SummaryWriter(str(folder))

    def epoch(self, epoch: Epoch) -> None:
        """Write one epoch."""
        scalars = {
            "loss/train": epoch.train_loss,
            "learning_rate": epoch.learning_rate,
            "pictures_per_second": epoch.pictures_per_second,
            **{f"val/{name}": value for name, value in epoch.metrics.items()},
        }
        if epoch.side_loss is not None:
            scalars["loss/side_heads"] = epoch.side_loss
        if epoch.val_loss is not None:
            scalars["loss/val"] = epoch.val_loss
        for name, value in scalars.items():
            self._writer.add_scalar(name, value, epoch.index)

    def close(self) -> None:
        """Write what is left."""
        self._writer.close()
