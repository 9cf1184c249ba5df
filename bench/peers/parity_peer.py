"""Runs the attacks of other libraries on the models of bench/parity.

Reads one request a line: {folder, model, norm, eps, samples, library, name,
params, seed}; answers {robust, median, seconds, version} in one line each. Seconds are of
processor time.
"""

import importlib.metadata
import json
import sys
import time

import numpy as np
import onnx
import torch
from onnx import numpy_helper
from torch import nn


def load(path):
    """The small CNN of Assay with the weights of the file."""
    graph = onnx.load(path).graph
    weights = {t.name: torch.tensor(numpy_helper.to_array(t)) for t in graph.initializer}
    channels, hidden, head = weights["conv1.weight"].shape[1], weights["hidden.weight"].shape, weights["head.weight"].shape
    net = nn.Sequential()
    for name, layer in [
        ("conv1", nn.Conv2d(channels, 16, 3, padding=1)), ("relu1", nn.ReLU()), ("pool1", nn.MaxPool2d(2)),
        ("conv2", nn.Conv2d(16, 32, 3, padding=1)), ("relu2", nn.ReLU()), ("pool2", nn.MaxPool2d(2)),
        ("flatten", nn.Flatten()), ("hidden", nn.Linear(hidden[1], hidden[0])), ("relu3", nn.ReLU()), ("head", nn.Linear(head[1], head[0])),
    ]:
        net.add_module(name, layer)
    net.load_state_dict({name: weights[name] for name in net.state_dict()})
    for p in net.parameters():
        p.requires_grad_(False)
    return net.eval()


def examples(net, x, y, norm, eps, library, name, params, seed):
    """Adversarial examples; None for eps asks for the nearest."""
    big = {"linf": "Linf", "l2": "L2", "l1": "L1"}[norm]
    if library == "pyautoattack":
        from pyautoattack import AutoAttack

        if name == "standard":
            return AutoAttack(net, norm=big, eps=eps, version="standard", seed=seed).run_standard_evaluation(x, y, batch_size=len(x))[0]
        attack = AutoAttack(net, norm=big, eps=eps, version="custom", attacks=[name], seed=seed)
        attack.apgd.n_restarts = attack.fab.n_restarts = attack.apgd_targeted.n_restarts = 1
        for key, value in params.items():
            setattr(attack.square, key, value)
        return attack.run_standard_evaluation(x, y, batch_size=len(x))[0]
    if library == "torchattacks":
        import torchattacks

        return getattr(torchattacks, name)(net, eps=eps, **params)(x, y)
    if library == "foolbox":
        import foolbox

        model = foolbox.PyTorchModel(net, bounds=(0, 1))
        repeat = params.pop("repeat", None)
        attack = getattr(foolbox.attacks, name)(**params)
        if repeat:
            attack = attack.repeat(repeat)
        _, clipped, _ = attack(model, x, y, epsilons=eps)
        return clipped
    raise ValueError(f"no library called {library}")


DISTANCES = {
    "linf": lambda d: d.abs().amax(1),
    "l2": lambda d: d.norm(dim=1),
    "l1": lambda d: d.abs().sum(1),
    "l0": lambda d: (d != 0).sum(1).float(),
}


def answer(request):
    torch.manual_seed(request["seed"])
    np.random.seed(request["seed"])
    folder = request["folder"]
    x = torch.tensor(np.load(f"{folder}/{request['model']}-x.npy"))[: request["samples"]]
    y = torch.tensor(np.load(f"{folder}/{request['model']}-y.npy"))[: request["samples"]].long()
    net = load(f"{folder}/{request['model']}.onnx")
    right = net(x).argmax(1) == y
    found = x.clone()
    begin = time.process_time()
    # Ours attacks no others either.
    found[right] = examples(net, x[right], y[right], *(request[k] for k in ("norm", "eps", "library", "name", "params", "seed")))
    seconds = time.process_time() - begin
    broken = net(found).argmax(1) != y
    if request["library"] == "foolbox":
        # What C&W and EAD give back where they found nothing.
        broken &= (found != 0).flatten(1).any(1)
    distance = DISTANCES[request["norm"]]((found - x).flatten(1))
    if request["eps"] is not None:
        broken &= distance <= request["eps"] * (1 + 1e-5) + 1e-6
    near = torch.where(broken, distance, torch.tensor(float("inf")))[right]
    median = near.median().item()
    return {
        "robust": (right & ~broken).float().mean().item(),
        "median": median if median < float("inf") else None,
        "seconds": seconds,
        "version": importlib.metadata.version(request["library"]),
    }


def main():
    torch.set_num_threads(int(sys.argv[1]))
    print(json.dumps({"torch": torch.__version__}), flush=True)
    out = sys.stdout
    # Libraries print as they go.
    sys.stdout = sys.stderr
    for line in sys.stdin:
        print(json.dumps(answer(json.loads(line))), file=out, flush=True)


main()
