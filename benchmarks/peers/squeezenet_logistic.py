"""The peer: a plain script, SqueezeNet features by PyTorch and a logistic regression by scikit-learn.

What a good PyTorch user writes for a small folder of pictures: the published network as torchvision has it, a
DataLoader with a worker a core, the average of the last feature map, standardised, and scikit-learn's regression.
Prints one JSON line: test accuracy, pictures. ``squeezenet_logistic.py FOLDER WEIGHTS`` (FOLDER/{train,test}/class/*).
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Fire(nn.Module):
    def __init__(self, inputs: int, squeeze: int, expand: int) -> None:
        super().__init__()
        self.squeeze = nn.Conv2d(inputs, squeeze, 1)
        self.expand1x1 = nn.Conv2d(squeeze, expand, 1)
        self.expand3x3 = nn.Conv2d(squeeze, expand, 3, padding=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.relu(self.squeeze(x))
        return torch.cat([torch.relu(self.expand1x1(x)), torch.relu(self.expand3x3(x))], 1)


def squeezenet() -> nn.Sequential:
    def pool() -> nn.Module:
        return nn.MaxPool2d(3, 2, ceil_mode=True)

    return nn.Sequential(
        nn.Conv2d(3, 96, 7, 2), nn.ReLU(), pool(),
        Fire(96, 16, 64), Fire(128, 16, 64), Fire(128, 32, 128), pool(),
        Fire(256, 32, 128), Fire(256, 48, 192), Fire(384, 48, 192), Fire(384, 64, 256), pool(),
        Fire(512, 64, 256),
    )  # fmt: skip


class Pictures(Dataset):
    def __init__(self, folder: Path) -> None:
        self.classes = sorted(path.name for path in folder.iterdir() if path.is_dir())
        self.files = [(path, c) for c, name in enumerate(self.classes) for path in sorted((folder / name).iterdir())]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        path, target = self.files[index]
        picture = Image.open(path).convert("RGB")
        pixels = np.asarray(picture.resize((227, 227), Image.BICUBIC), np.float32)[:, :, ::-1]
        pixels = pixels - np.array([104, 117, 123], np.float32)
        return torch.from_numpy(pixels.transpose(2, 0, 1).copy()), target


def features(net: nn.Module, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    loader = DataLoader(Pictures(folder), batch_size=32, num_workers=os.cpu_count() or 1)
    made, targets = [], []
    with torch.inference_mode():
        for pixels, target in loader:
            made.append(net(pixels).mean((2, 3)))
            targets.append(target)
    return torch.cat(made).numpy(), torch.cat(targets).numpy()


def main(folder: Path, weights: str) -> None:
    net = squeezenet().eval()
    net.load_state_dict(
        {name.removeprefix("features."): tensor for name, tensor in load_file(weights).items() if "features" in name}
    )
    x_train, y_train = features(net, folder / "train")
    x_test, y_test = features(net, folder / "test")
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(x_train, y_train)
    print(json.dumps({"accuracy": model.score(x_test, y_test), "pictures": len(y_train) + len(y_test)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
