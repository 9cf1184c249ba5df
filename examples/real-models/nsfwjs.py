"""The MobileNetV2 of nsfwjs, which tells unseemly pictures, and photos of CIFAR-10.

    python examples/real-models/nsfwjs.py CIFAR10

Needs Node, which reads the modules of the package: a model of TensorFlow.js, and its
weights as base64. CIFAR10 is a folder or .zip as of `efficientnet_lite0.py`.
"""

import base64
import json
import subprocess
import sys

from packages import folder, from_npm
from photos import photos


def exported(module):
    """What a CommonJS module exports."""
    script = "process.stdout.write(JSON.stringify(require(process.argv[1])))"
    return json.loads(subprocess.run(["node", "-e", script, module], check=True, capture_output=True).stdout)


def main(source):
    into = folder("nsfwjs")
    model = from_npm("nsfwjs", "4.4.0") / "dist/models/mobilenet_v2"
    about = exported(model / "model.min.js")
    (group,) = about["weightsManifest"]
    (shard,) = group["paths"]
    (into / shard).write_bytes(base64.b64decode(exported(model / f"{shard}.min.js")))
    (into / "model.json").write_text(json.dumps(about))
    frozen = [layer["class_name"] for layer in about["modelTopology"]["model_config"]["config"]["layers"] if layer["config"].get("trainable") is False]
    print("frozen when it was tuned:", frozen.count("Conv2D") + frozen.count("DepthwiseConv2D"), "convolutions")
    photos(source, into / "photos")


main(*sys.argv[1:])
