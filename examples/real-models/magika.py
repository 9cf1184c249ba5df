"""Magika, a classifier of file types by their bytes, and files to ask it about.

    python examples/real-models/magika.py

Needs nothing but pip. Magika reads the first and the last 1,024 bytes of a file, so a text
here is these 2,048 bytes of a real file: of Python's own library and of the packages
under node_modules, ASCII alone, so that a character is a byte. Bytes are its tokens.
"""

import json
import random
import shutil
import sysconfig
from pathlib import Path

from packages import folder, from_pypi

EACH = 80
HALF = 1024
KINDS = {
    "python": (sysconfig.get_paths()["stdlib"], "*.py"),
    "javascript": ("node_modules", "*.js"),
    "typescript": ("node_modules", "*.d.ts"),
    "json": ("node_modules", "*.json"),
    "markdown": ("node_modules", "*.md"),
}


def seen(path):
    """What Magika sees of a file, which leaves out blanks at both ends."""
    if path.is_file() and len(content := path.read_bytes().strip()) >= 2 * HALF and content.isascii():
        return (content[:HALF] + content[-HALF:]).decode()
    return None


def texts():
    """Of each kind the same files on every machine with the same packages."""
    for kind, (where, pattern) in KINDS.items():
        paths = sorted(Path(where).rglob(pattern))
        random.Random(kind).shuffle(paths)
        found = {}
        for path in paths:
            if text := seen(path):
                found.setdefault(text, None)
            if len(found) == EACH:
                break
        yield from ({"text": text, "label": kind} for text in found)


def tokenizer():
    """A HuggingFace tokenizer whose tokens are the bytes, and 256 the padding."""
    plain = [b for b in range(256) if 33 <= b <= 126 or 161 <= b <= 172 or 174 <= b]
    others = [b for b in range(256) if b not in plain]
    # How ByteLevel writes a byte: as itself, or where that is no letter from 256 on.
    vocab = {chr(b): b for b in plain} | {chr(256 + i): b for i, b in enumerate(others)}
    padding = {"id": 256, "content": "[PAD]", "special": True, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False}
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    model = {"type": "BPE", "vocab": vocab | {"[PAD]": 256}, "merges": []}
    return {"version": "1.0", "added_tokens": [padding], "normalizer": None, "pre_tokenizer": level, "post_processor": None, "decoder": level, "model": model}


def main():
    into = folder("magika")
    model = from_pypi("magika", "1.0.3") / "magika/models/standard_v3_3"
    shutil.copy(model / "model.onnx", into)
    (into / "tokenizer.json").write_text(json.dumps(tokenizer()))
    (into / "files.jsonl").write_text("".join(json.dumps(t) + "\n" for t in texts()))
    labels = json.loads((model / "config.min.json").read_text())["target_labels_space"]
    print("outputs of the model:", {kind: labels.index(kind) for kind in KINDS})


main()
