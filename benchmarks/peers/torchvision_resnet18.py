"""ResNet-18 at 160 pixels, batches of 32, by a library that needs torchvision: pictures a second of the second epoch.

``python torchvision_resnet18.py timm|fastai|ultralytics FOLDER`` (with train/ and test/), each as its documentation
has it, from scratch, in float32 on the CPU, with two workers and as little augmentation as it lets one ask for.
"""

import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

SIZE, BATCH, EPOCHS, WORKERS = 160, 32, 2, 2
# Ultralytics' own file of that name, without the weights that it would download.
RESNET18 = """
nc: 2
backbone:
  - [-1, 1, TorchVision, [512, resnet18, null, True, 2]]
head:
  - [-1, 1, Classify, [nc]]
"""


def by_timm(folder):
    import timm
    import torch
    from timm.data import create_dataset, create_loader
    from timm.optim import create_optimizer_v2

    loader = create_loader(
        create_dataset("", root=str(folder / "train"), is_training=True), (3, SIZE, SIZE), BATCH, is_training=True,
        no_aug=True, num_workers=WORKERS, use_prefetcher=False, device=torch.device("cpu"),
    )  # fmt: skip
    model = timm.create_model("resnet18", num_classes=2).to(memory_format=torch.channels_last).train()
    optimizer = create_optimizer_v2(model, opt="sgd", lr=0.05, momentum=0.9)
    loss = torch.nn.CrossEntropyLoss()
    for _ in range(EPOCHS):
        began, seen = time.perf_counter(), 0
        for inputs, targets in loader:
            optimizer.zero_grad()
            loss(model(inputs.contiguous(memory_format=torch.channels_last)), targets).backward()
            optimizer.step()
            seen += len(targets)
    return seen / (time.perf_counter() - began)


def by_fastai(folder):
    from fastai.vision.all import Callback, CrossEntropyLossFlat, ImageDataLoaders, Learner, Resize, resnet18

    times = []

    class Clock(Callback):
        def before_train(self):
            self.began = time.perf_counter()

        def after_train(self):
            times.append(time.perf_counter() - self.began)

    loaders = ImageDataLoaders.from_folder(
        folder, train="train", valid="test", item_tfms=Resize(SIZE), bs=BATCH, num_workers=WORKERS, device="cpu"
    )
    learner = Learner(loaders, resnet18(num_classes=2), loss_func=CrossEntropyLossFlat(), cbs=[Clock()])
    learner.fit_one_cycle(EPOCHS)
    return BATCH * len(loaders.train) / times[-1]  # it leaves out the last batch that is not whole


def by_ultralytics(folder):
    from ultralytics import YOLO

    times = []
    with tempfile.TemporaryDirectory() as place:
        net, pictures = Path(place, "yolo11-cls-resnet18.yaml"), Path(place, "pictures")
        net.write_text(RESNET18)
        shutil.copytree(folder, pictures)  # it writes a file of labels beside them
        model = YOLO(str(net))
        model.add_callback("on_train_epoch_start", lambda _: times.append(time.perf_counter()))
        model.add_callback("on_train_epoch_end", lambda _: times.append(time.perf_counter()))
        model.train(
            data=str(pictures), epochs=EPOCHS, imgsz=SIZE, batch=BATCH, workers=WORKERS, pretrained=False, amp=False,
            plots=False, device="cpu", project=place,
        )  # fmt: skip
        number = sum(1 for _ in (pictures / "train").rglob("*.jpg"))
    return number / (times[3] - times[2])


kinds = {"timm": by_timm, "fastai": by_fastai, "ultralytics": by_ultralytics}
rate = kinds[sys.argv[1]](Path(sys.argv[2]))
print(json.dumps(rate))
