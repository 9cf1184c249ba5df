"""Photos of CIFAR-10, laid out as folders of images for Assay."""

import shutil
import zipfile
from pathlib import Path

# Of each class: where in CIFAR-10, from which image on, how many.
PARTS = {"train": ("train", 0, 60), "validation": ("train", 60, 20), "test": ("test", 0, 20)}


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
    """Lays some images of each class out under `into`, as train, validation and test."""
    shutil.rmtree(into, ignore_errors=True)
    by_class = {}
    for path, data in images(Path(source)):
        by_class.setdefault(path.parts[-3:-1], []).append((path.name, data))
    for part, (where, start, count) in PARTS.items():
        classes = {name: found for (came, name), found in by_class.items() if came == where}
        if len(classes) < 10 or any(len(found) < start + count for found in classes.values()):
            raise SystemExit(f"{source} has no folders {where}/CLASS of ten classes with {start + count} images each")
        for name, found in classes.items():
            at = into / part / name
            at.mkdir(parents=True)
            for file, data in found[start : start + count]:
                (at / file).write_bytes(data)
