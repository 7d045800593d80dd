"""The peer of training: ResNet-18 in plain PyTorch, channels-last, pictures in memory, one loop. Prints pictures/s."""

import json
import time

import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, TensorDataset

SIZE, BATCH, PICTURES, CLASSES = 160, 32, 640, 2


class Block(nn.Module):
    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(before, after, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(after)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(after, after, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(after)
        self.shortcut: nn.Module | None = None
        if stride != 1 or before != after:
            self.shortcut = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))

    def forward(self, x: Tensor) -> Tensor:
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + (x if self.shortcut is None else self.shortcut(x)))


def resnet18() -> nn.Module:
    layers: list[nn.Module] = [
        nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)
    ]  # fmt: skip
    before = 64
    for after, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
        layers += [Block(before, after, stride), Block(after, after, 1)]
        before = after
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, CLASSES))


def main() -> None:
    torch.manual_seed(0)
    pixels = torch.randint(0, 256, (PICTURES, 3, SIZE, SIZE), dtype=torch.uint8)
    loader = DataLoader(TensorDataset(pixels, torch.randint(0, CLASSES, (PICTURES,))), BATCH, shuffle=True)
    model = resnet18().to(memory_format=torch.channels_last)
    optimiser = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, nesterov=True, weight_decay=5e-4)
    loss_of = nn.CrossEntropyLoss()
    rate = 0.0
    for _ in range(2):
        began = time.perf_counter()
        for inputs, targets in loader:
            batch = (inputs.float() / 255).to(memory_format=torch.channels_last)
            optimiser.zero_grad()
            loss_of(model(batch), targets).backward()
            optimiser.step()
        rate = PICTURES / (time.perf_counter() - began)
    print(json.dumps(rate))


if __name__ == "__main__":
    main()
