"""Does a long film in which every kind of footage follows the other come out unharmed, with its sound?

    python -m experiments.footage.film [--strengths 2]

All clips of `experiments.footage`, as their own files show them, are cut together into one losslessly coded film with
sound, which is restored as typed, into a folder of images: nothing but the two places are given. So an encoder takes
nothing away of what is compared. Whether the sound stays the same is seen in the first frames, as a video.
"""

import tempfile
import time
from fractions import Fraction
from itertools import cycle
from pathlib import Path
from typing import Any

import av
import numpy as np

import gvd_jax as gvd
from experiments.command import run
from experiments.footage.__main__ import KINDS, frame_gains, name_of, rounded
from experiments.footage.clip import PHOTOGRAPHS, Clip, eight_bits
from experiments.footage.coding import RATE
from experiments.results import Results, Row, every_row
from gvd_jax.shapes import HostArray

SAMPLE_RATE = 48_000  # of the sound, Hz
TONE = 440.0  # Hz
HEARD = 50  # frames


def main(
    strengths: int = 1,
    photographs: tuple[str, ...] = tuple(PHOTOGRAPHS),
    results: Path = Path("experiments/results/footage_film.json"),
) -> None:
    """Of every kind the first so many strengths; the photographs take turns, so that a cut is one."""
    turns, clips = cycle(photographs), {}
    for name, kind in KINDS.items():
        for strength in kind.strengths[:strengths]:
            photograph = next(turns)
            clips[name_of(name, strength, photograph)] = kind.make(photograph, strength)
    kept = Results(results, every_row)
    with tempfile.TemporaryDirectory() as folder:
        film, target, part = (Path(folder) / name for name in ("film.mkv", "restored", "part.mkv"))
        parts = {name: shown(clip, Path(folder) / "own") for name, clip in clips.items()}
        frames = np.concatenate(list(parts.values()))
        write_film(film, frames)
        start, processor = time.time(), time.process_time()
        gvd.deblur_video(film, target, say=print)
        wall, seconds = time.time() - start, time.process_time() - processor
        restored = gvd.read_video(target).frames
        gvd.deblur_video(film, part, duty_cycle=0.0, frames=slice(0, HEARD))
        heard, whole_sound = sound_of(part), sound_of(film)
        begun = whole_sound.index(heard[0])  # what a coder needs before the first moment is left out
        same_sound = heard == whole_sound[begun : begun + len(heard)]
    gains, first = {}, 0
    for name, clip in clips.items():
        own = slice(first, first + len(parts[name]))
        gains[name], first = frame_gains(clip, frames[own], restored[own]), own.stop
    every = np.concatenate(list(gains.values()))
    whole: Row = {
        "gain dB": every.mean(),
        "worst frame gain dB": every.min(),
        "frames": len(every),
        "frames below -.1 dB": int((every < -0.1).sum()),
        "film s": len(every) / RATE,
        "wall s": wall,
        "CPU s": seconds,
        "sound is the same": same_sound,
    }
    kept.add("the film", rounded(whole))
    for name, own in gains.items():
        kept.add(name, rounded({"gain dB": own.mean(), "worst frame gain dB": own.min(), "frames": len(own)}))
    print(kept.table())


def shown(clip: Clip, path: Path) -> HostArray:
    """The frames of a clip as its own file shows them, in colour."""
    file = clip.write(clip.blurry, path.with_name(f"{path.name}{len(list(path.parent.iterdir()))}"))
    frames = gvd.read_video(file).frames
    return np.repeat(frames, 3, -1) if frames.shape[-1] == 1 else frames


def write_film(path: Path, frames: HostArray) -> None:
    """Losslessly, with a tone as long as the film."""
    with av.open(str(path), "w") as container:
        pictures: Any = container.add_stream("ffv1", RATE)
        pictures.height, pictures.width, pictures.pix_fmt = *frames.shape[1:3], "bgr0"
        sound: Any = container.add_stream("aac", SAMPLE_RATE, layout="mono")
        for image in eight_bits(frames):
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(image), format="rgb24")
            container.mux(pictures.encode(frame.reformat(format="bgr0")))
        container.mux(pictures.encode())
        times = np.arange(len(frames) * SAMPLE_RATE // RATE) / SAMPLE_RATE
        tone = np.sin(2 * np.pi * TONE * times).astype(np.float32)[None]
        for start in range(0, tone.shape[1], 1024):
            block = av.AudioFrame.from_ndarray(tone[:, start : start + 1024], format="fltp", layout="mono")
            block.sample_rate, block.pts, block.time_base = SAMPLE_RATE, start, Fraction(1, SAMPLE_RATE)
            container.mux(sound.encode(block))
        container.mux(sound.encode())


def sound_of(path: Path) -> list[bytes]:
    """Its packets."""
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


if __name__ == "__main__":
    run(main)
