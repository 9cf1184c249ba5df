"""Silero VAD, which tells speech, and frames of sound for it: voices, and noise.

    python examples/real-models/silero.py

Needs numpy, and Debian, whose package alsa-utils has eight recordings of a voice that names a
loudspeaker, and one of noise. A frame is 576 samples at 16,000 a second: the 64 before it
and its own 512. Those of a voice that are loud are speech; the others say nothing.
"""

import shutil
import wave

import numpy as np

from packages import folder, from_debian, from_pypi

FRAME, STEP = 576, 512
LOUD = 0.03


def sound(path):
    """Samples in [-1, 1], a third of the 48,000 a second that the file has."""
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (48000, 1, 2), path
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768
    # Below half of 16,000 Hz, by a windowed sinc.
    at = np.arange(-96, 97)
    low = np.sinc(at / 3.2) * np.hamming(len(at))
    return np.convolve(samples, low / low.sum(), "same")[::3]


def frames(samples):
    return np.stack([samples[i : i + FRAME] for i in range(0, len(samples) - FRAME, STEP)])


def main():
    into = folder("silero")
    shutil.copy(from_pypi("silero-vad", "6.2.3") / "silero_vad/data/silero_vad_op18_ifless.onnx", into / "vad.onnx")
    sounds = sorted((from_debian("alsa-utils") / "usr/share/sounds/alsa").glob("*.wav"))
    x, y = [], []
    for path in sounds:
        found = frames(sound(path))
        if path.stem == "Noise":
            x, y = x + [found], y + [np.zeros(len(found))]
        else:
            loud = found[np.sqrt((found[:, -STEP:] ** 2).mean(1)) > LOUD]
            # Every third, so that there is about as much of both.
            x, y = x + [loud[::3]], y + [np.ones(len(loud[::3]))]
    # Data of a suite are in [0, 1]; its `input` says what they stand for.
    x, y = (np.concatenate(x) + 1) / 2, np.concatenate(y)
    np.savez(into / "frames.npz", x=x.astype(np.float32), y=y.astype(np.int64))
    print(f"{int(y.sum())} frames of speech, {int((1 - y).sum())} of noise")


main()
