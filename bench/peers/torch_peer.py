"""The models of bench/models in PyTorch, timed on request: one JSON line in, one out."""

import json
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F


class Block(nn.Module):
    def __init__(self, a, b, stride):
        super().__init__()
        self.one, self.two = nn.Conv2d(a, b, 3, stride, 1), nn.Conv2d(b, b, 3, 1, 1)
        self.n1, self.n2 = nn.BatchNorm2d(b), nn.BatchNorm2d(b)
        self.skip = nn.Identity() if stride == 1 and a == b else nn.Sequential(nn.Conv2d(a, b, 1, stride), nn.BatchNorm2d(b))

    def forward(self, x):
        return F.relu(self.n2(self.two(F.relu(self.n1(self.one(x))))) + self.skip(x))


def resnet18(large=False):
    first = nn.Conv2d(3, 64, 7, 2, 3) if large else nn.Conv2d(3, 64, 3, 1, 1)
    layers, a = [first, nn.BatchNorm2d(64), nn.ReLU()], 64
    if large:
        layers.append(nn.MaxPool2d(3, 2, 1))
    for b, stride in [(64, 1), (128, 2), (256, 2), (512, 2)]:
        layers += [Block(a, b, stride), Block(b, b, 1)]
        a = b
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 10))


class Inverted(nn.Module):
    def __init__(self, a, b, expand, stride):
        super().__init__()
        w = a * expand
        layers = [nn.Conv2d(a, w, 1), nn.BatchNorm2d(w), nn.ReLU6()] if expand > 1 else []
        layers += [nn.Conv2d(w, w, 3, stride, 1, groups=w), nn.BatchNorm2d(w), nn.ReLU6(), nn.Conv2d(w, b, 1), nn.BatchNorm2d(b)]
        self.layers, self.adds = nn.Sequential(*layers), stride == 1 and a == b

    def forward(self, x):
        return x + self.layers(x) if self.adds else self.layers(x)


def mobilenet_v2():
    layers, a = [nn.Conv2d(3, 32, 3, 2, 1), nn.BatchNorm2d(32), nn.ReLU6()], 32
    for expand, b, count, stride in [(1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1)]:
        for i in range(count):
            layers.append(Inverted(a, b, expand, stride if i == 0 else 1))
            a = b
    layers += [nn.Conv2d(320, 1280, 1), nn.BatchNorm2d(1280), nn.ReLU6(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 10)]
    return nn.Sequential(*layers)


class Attention(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.q, self.k, self.v, self.out = (nn.Linear(width, width) for _ in range(4))
        self.heads = heads

    def forward(self, x):
        n, t, w = x.shape
        split = lambda v: v.view(n, t, self.heads, w // self.heads).transpose(1, 2)
        y = F.scaled_dot_product_attention(split(self.q(x)), split(self.k(x)), split(self.v(x)))
        return self.out(y.transpose(1, 2).reshape(n, t, w))


class Layer(nn.Module):
    def __init__(self, width, heads, first):
        super().__init__()
        self.attention = Attention(width, heads)
        self.feed = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width))
        self.n1, self.n2, self.first = nn.LayerNorm(width), nn.LayerNorm(width), first

    def forward(self, x):
        if self.first:
            x = x + self.attention(self.n1(x))
            return x + self.feed(self.n2(x))
        x = self.n1(x + self.attention(x))
        return self.n2(x + self.feed(x))


class Vit(nn.Module):
    def __init__(self, size, patch, layers, width, heads):
        super().__init__()
        self.patch = nn.Conv2d(3, width, patch, patch)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        self.places = nn.Parameter(torch.zeros(1, (size // patch) ** 2 + 1, width))
        self.layers = nn.Sequential(*[Layer(width, heads, True) for _ in range(layers)])
        self.norm, self.head = nn.LayerNorm(width), nn.Linear(width, 10)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.places
        return self.head(self.norm(self.layers(x))[:, 0])


class Bert(nn.Module):
    """Begins at the embedded words when it is given floats: there attacks take their gradient."""

    def __init__(self, layers, width, heads):
        super().__init__()
        self.words, self.places, self.norm = nn.Embedding(30522, width), nn.Embedding(512, width), nn.LayerNorm(width)
        self.layers = nn.Sequential(*[Layer(width, heads, False) for _ in range(layers)])
        self.pool, self.head = nn.Linear(width, width), nn.Linear(width, 2)

    def forward(self, x):
        if not x.is_floating_point():
            x = self.words(x)
        x = self.norm(x + self.places(torch.arange(x.shape[1], device=x.device)))
        return self.head(torch.tanh(self.pool(self.layers(x)[:, 0])))


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )


MODELS = {
    "lenet": (lenet, (64, 1, 28, 28)),
    "resnet18": (resnet18, (32, 3, 32, 32)),
    "resnet18-224": (lambda: resnet18(True), (8, 3, 224, 224)),
    "mobilenet-v2": (mobilenet_v2, (8, 3, 64, 64)),
    "mobilenet-v2-32": (mobilenet_v2, (32, 3, 32, 32)),
    "mobilenet-v2-224": (mobilenet_v2, (8, 3, 224, 224)),
    "vit-tiny": (lambda: Vit(64, 8, 12, 192, 3), (8, 3, 64, 64)),
    "deit-small": (lambda: Vit(224, 16, 12, 384, 6), (8, 3, 224, 224)),
    "bert-mini": (lambda: Bert(4, 256, 4), (8, 64)),
    "bert-base": (lambda: Bert(12, 768, 12), (4, 128)),
}


class Adapted(nn.Module):
    """A layer with a low-rank product beside it (LoRA), as PEFT has it; of grouped convolutions it is added to the weight."""

    def __init__(self, layer, rank=8):
        super().__init__()
        self.layer, w = layer, layer.weight
        rank = min(rank, len(w), w[0].numel())
        self.left = nn.Parameter(torch.zeros(len(w), rank))
        self.right = nn.Parameter(torch.rand(rank, w[0].numel()) / w[0].numel() ** 0.5)

    def forward(self, x):
        layer = self.layer
        if isinstance(layer, nn.Linear):
            return layer(x) + F.linear(F.linear(x, self.right), self.left)
        w = layer.weight
        settings = (layer.stride, layer.padding, layer.dilation)
        if layer.groups > 1:
            return F.conv2d(x, w + (self.left @ self.right).view_as(w), layer.bias, *settings, layer.groups)
        low = F.conv2d(x, self.right.view(-1, *w.shape[1:]), None, *settings)
        return layer(x) + F.conv2d(low, self.left[:, :, None, None])


def adapt(module):
    for name, child in module.named_children():
        if isinstance(child, (nn.Linear, nn.Conv2d)):
            setattr(module, name, Adapted(child))
        else:
            adapt(child)


def head_of(model):
    return model[-1] if isinstance(model, nn.Sequential) else model.head


def set_head(model, head):
    if isinstance(model, nn.Sequential):
        model[-1] = head
    else:
        model.head = head


class Timed:
    def __init__(self, name, mode, device):
        make, shape = MODELS[name]
        # Statistics stay frozen, as in the models of bench/models.
        self.model = make().eval().to(device)
        tokens = len(shape) == 2
        self.x = (torch.randint(0, 30522, shape) if tokens else torch.rand(shape)).to(device)
        self.y = (torch.arange(shape[0]) % 2).to(device)
        self.at = self.model.words(self.x).detach() if tokens else self.x
        self.run = self.step(mode)

    def trained(self, mode):
        model = self.model
        if mode == "head":
            return list(head_of(model).parameters())
        if mode == "lora":
            head = head_of(model)
            adapt(model)
            set_head(model, head)
            return [p for m in model.modules() if isinstance(m, Adapted) for p in (m.left, m.right)] + list(head.parameters())
        parameters = list(model.parameters())
        return parameters[len(parameters) // 2 if mode == "half" else 0 :]

    def step(self, mode):
        model, y = self.model, self.y
        if mode == "forward":

            def run():
                with torch.inference_mode():
                    return model(self.x)

            return run
        if mode == "attack":
            for p in model.parameters():
                p.requires_grad_(False)

            def run():
                at = self.at.clone().requires_grad_()
                F.cross_entropy(model(at), y, reduction="sum").backward()
                return at.grad

            return run
        trained = self.trained(mode)
        for p in model.parameters():
            p.requires_grad_(False)
        for p in trained:
            p.requires_grad_(True)
        optimiser = torch.optim.SGD(trained, 1e-4, momentum=0.9)

        def run():
            optimiser.zero_grad()
            F.cross_entropy(model(self.x), y).backward()
            optimiser.step()

        return run


def has(device):
    return device == "cpu" or (device == "cuda" and torch.cuda.is_available())


def settle():
    """Waits for what a device still computes: Assay's outputs are in memory too."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def main():
    torch.set_num_threads(int(sys.argv[1]))
    print(json.dumps({"torch": torch.__version__}), flush=True)
    key = subject = None
    for line in sys.stdin:
        request = json.loads(line)
        device = request.get("device", "cpu")
        if not has(device):
            print(json.dumps({"ms": None}), flush=True)
            continue
        asked = request["model"], request["mode"], device
        if asked != key:
            subject = None
            key, subject = asked, Timed(*asked)
        if request.get("peak"):
            forget_peak()
        for _ in range(request["warm"]):
            subject.run()
        times, spent = [], []
        for _ in range(request["repeats"]):
            start, used = time.perf_counter(), time.process_time()
            subject.run()
            settle()
            times.append(1000 * (time.perf_counter() - start))
            spent.append(1000 * (time.process_time() - used))
        middle = lambda all: sorted(all)[len(all) // 2]
        print(json.dumps({"ms": middle(times), "cpu": middle(spent), "peak": peak()}), flush=True)


def forget_peak():
    try:
        with open("/proc/self/clear_refs", "w") as f:
            f.write("5")
    except OSError:
        pass


def peak():
    """Most megabytes of memory that the process had since then; None where the system does not say."""
    try:
        with open("/proc/self/status") as f:
            return next(int(line.split()[1]) / 1024 for line in f if line.startswith("VmHWM"))
    except OSError:
        return None


main()
