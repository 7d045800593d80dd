"""A plain PyTorch script that answers for pictures with a ResNet-18, as PyTorch's own examples write one.

torch_predict.py WEIGHTS CLASSES PICTURE|FOLDER MEAN STD: DataLoader, a worker a core, channels-last, inference mode.
"""

import os
import sys
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset

MEAN = np.array([float(number) for number in sys.argv[4].split(",")], np.float32)
STD = np.array([float(number) for number in sys.argv[5].split(",")], np.float32)


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU(inplace=True)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(out + (x if self.downsample is None else self.downsample(x)))


class ResNet18(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.relu = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        widths = [64, 64, 128, 256, 512]
        for index in range(1, 5):
            before, width = widths[index - 1 : index + 1]
            stage = nn.Sequential(Block(before, width, 1 if index == 1 else 2), Block(width, width, 1))
            self.add_module(f"layer{index}", stage)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(512, classes)

    def forward(self, x):
        x = self.maxpool(self.relu(self.bn1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class Pictures(Dataset):
    def __init__(self, paths):
        self.paths = paths

    def __len__(self):
        return len(self.paths)

    def __getitem__(self, index):
        image = Image.open(self.paths[index]).convert("RGB")
        scale = 224 / min(image.size)
        image = image.resize((max(224, round(image.width * scale)), max(224, round(image.height * scale))))
        left, top = (image.width - 224) // 2, (image.height - 224) // 2
        pixels = np.asarray(image.crop((left, top, left + 224, top + 224)), np.float32) / 255
        return torch.from_numpy((pixels - MEAN) / STD).permute(2, 0, 1)


def main():
    weights, classes, what = sys.argv[1:4]
    model = ResNet18(int(classes))
    model.load_state_dict(torch.load(weights, weights_only=True))
    model = model.eval().to(memory_format=torch.channels_last)
    paths = sorted(Path(what).iterdir()) if Path(what).is_dir() else [Path(what)]
    workers = (os.cpu_count() or 1) if len(paths) > 1 else 0
    loader = DataLoader(Pictures(paths), batch_size=64, num_workers=workers)
    at = 0
    with torch.inference_mode():
        for batch in loader:
            logits = model(batch.to(memory_format=torch.channels_last))
            for row in torch.softmax(logits, 1):
                print(paths[at].name, int(row.argmax()), f"{float(row.max()):.3f}")
                at += 1


main()
