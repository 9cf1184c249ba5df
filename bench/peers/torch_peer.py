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


def resnet18():
    layers, a = [nn.Conv2d(3, 64, 3, 1, 1), nn.BatchNorm2d(64), nn.ReLU()], 64
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
    def __init__(self):
        super().__init__()
        self.patch = nn.Conv2d(3, 192, 8, 8)
        self.token, self.places = nn.Parameter(torch.zeros(1, 1, 192)), nn.Parameter(torch.zeros(1, 65, 192))
        self.layers = nn.Sequential(*[Layer(192, 3, True) for _ in range(12)])
        self.norm, self.head = nn.LayerNorm(192), nn.Linear(192, 10)

    def forward(self, x):
        x = self.patch(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.places
        return self.head(self.norm(self.layers(x))[:, 0])


class Bert(nn.Module):
    """Begins at the embedded words when it is given floats: there attacks take their gradient."""

    def __init__(self):
        super().__init__()
        self.words, self.places, self.norm = nn.Embedding(30522, 256), nn.Embedding(512, 256), nn.LayerNorm(256)
        self.layers = nn.Sequential(*[Layer(256, 4, False) for _ in range(4)])
        self.pool, self.head = nn.Linear(256, 256), nn.Linear(256, 2)

    def forward(self, x):
        if not x.is_floating_point():
            x = self.words(x)
        x = self.norm(x + self.places(torch.arange(x.shape[1])))
        return self.head(torch.tanh(self.pool(self.layers(x)[:, 0])))


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )


MODELS = {
    "lenet": (lenet, (64, 1, 28, 28)),
    "resnet18": (resnet18, (32, 3, 32, 32)),
    "mobilenet-v2": (mobilenet_v2, (8, 3, 64, 64)),
    "vit-tiny": (Vit, (8, 3, 64, 64)),
    "bert-mini": (Bert, (8, 64)),
}


class Timed:
    def __init__(self, name):
        make, shape = MODELS[name]
        # Statistics stay frozen, as in the models of bench/models.
        self.model = make().eval()
        tokens = name == "bert-mini"
        self.x = torch.randint(0, 30522, shape) if tokens else torch.rand(shape)
        self.y = torch.arange(shape[0]) % 2
        self.at = self.model.words(self.x).detach() if tokens else self.x

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
        parameters = list(model.parameters())
        frozen = len(parameters) // 2 if mode == "half" else 0
        for i, p in enumerate(parameters):
            p.requires_grad_(i >= frozen)
        optimiser = torch.optim.SGD(parameters[frozen:], 1e-4, momentum=0.9)

        def run():
            optimiser.zero_grad()
            F.cross_entropy(model(self.x), y).backward()
            optimiser.step()

        return run


def main():
    torch.set_num_threads(int(sys.argv[1]))
    print(json.dumps({"torch": torch.__version__}), flush=True)
    subjects = {}
    for line in sys.stdin:
        request = json.loads(line)
        name = request["model"]
        subject = subjects.setdefault(name, Timed(name))
        run = subject.step(request["mode"])
        for _ in range(request["warm"]):
            run()
        times = []
        for _ in range(request["repeats"]):
            start = time.perf_counter()
            run()
            times.append(1000 * (time.perf_counter() - start))
        print(json.dumps({"ms": sorted(times)[len(times) // 2]}), flush=True)


main()
