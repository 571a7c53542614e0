"""Is any clip worse than it was, whatever camera, editor and codec did? And is it said what was found?

    python -m experiments.footage [--kinds cut flicker ...]

Every kind at its strengths, of two photographs, restored as typed: nothing but the file is given. Rows that
experiments/results/footage.json has are measured again only if their kind is named.
"""

import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np

import gvd_jax as gvd
from experiments.command import run
from experiments.footage import coding, editing, light, order, overlays
from experiments.footage.clip import PHOTOGRAPHS, Clip, Kind, fitting_tau
from experiments.results import Results, Row, every_row
from gvd_jax import metrics
from gvd_jax.shapes import HostArray

KINDS: dict[str, Kind] = order.KINDS | overlays.KINDS | light.KINDS | editing.KINDS | coding.KINDS


def name_of(kind: str, strength: float, photograph: str) -> str:
    """The name of a row."""
    return f"{kind}, {strength:g}, {photograph}"


def measure(kind: Kind, strength: float, photograph: str, pictures: Path) -> Row:
    """Restore a clip from its file, and compare it with its truth."""
    clip = kind.make(photograph, strength)
    with tempfile.TemporaryDirectory() as folder:
        source, target = clip.write(clip.blurry, Path(folder) / "in"), Path(folder) / "out"
        seen = gvd.read_video(source).frames
        start = time.process_time()
        done = gvd.deblur_video(source, target)
        seconds = time.process_time() - start
        restored = gvd.read_video(target).frames
    gains = frame_gains(clip, seen, restored)
    worst = int(np.argmin(gains))
    draw(clip, seen, restored, worst, pictures / f"{name_of('', strength, photograph)[2:]}.png")
    row: Row = {"gain dB": gains.mean(), "worst frame gain dB": gains.min(), "worst frame": worst}
    if done.found is not None:
        row |= {"tau": done.found.duty_cycle, "defocused": done.found.defocused, "gamma": done.found.gamma}
    if clip.tau is not None:
        row["fitting tau"] = min(clip.tau * fitting_tau(photograph), 0.5)
    row |= {"true tau": clip.tau, "said": "; ".join(done.notes), "CPU s": seconds}
    if kind.said:
        row["as it should be"] = kind.said in row["said"]
    return rounded(row)


def rounded(row: Row) -> Row:
    """To three digits behind the point."""
    return {key: round(float(x), 3) if isinstance(x, float | np.floating) else x for key, x in row.items()}


def frame_gains(clip: Clip, seen: HostArray, restored: HostArray) -> HostArray:
    """dB of every frame over what the file shows."""
    truth = np.asarray(clip.sharp, np.float32)
    if seen.shape[-1] == 1:  # gray images
        truth = truth[..., :1]
    before, after = metrics.psnr(seen, truth), metrics.psnr(restored, truth)
    same = np.isinf(before) & np.isinf(after)
    return np.where(same, 0.0, np.subtract(after, before, where=~same, out=np.zeros_like(after)))


def draw(clip: Clip, seen: HostArray, restored: HostArray, k: int, path: Path) -> None:
    """The frame that gained least, beside its truth."""
    from gvd_jax.view.figures import before_after, save

    path.parent.mkdir(parents=True, exist_ok=True)
    save(
        before_after({"blurry": seen[k], "restored": restored[k], "truth": np.asarray(clip.sharp[k], np.float32)}), path
    )


def by_kind(rows: Mapping[str, Row]) -> str:
    """A line per kind, and below it every row."""
    lines: dict[str, Row] = {}
    for kind in dict.fromkeys(name.split(", ")[0] for name in rows):
        own = [row for name, row in rows.items() if name.split(", ")[0] == kind]
        judged = ["yes" if row["as it should be"] else "no" for row in own if "as it should be" in row]
        told = [(row["tau"], row["fitting tau"]) for row in own if {"tau", "fitting tau"} <= row.keys()]
        lines[kind] = {
            "mean gain dB": float(np.mean([row["gain dB"] for row in own])),
            "worst frame gain dB": min(row["worst frame gain dB"] for row in own),
            "farthest tau": max((abs(tau - fitting) for tau, fitting in told), default=None),
            "said as it should be": " ".join(judged),
        }
    return every_row(lines) + "\n\n" + every_row(rows)


def main(
    kinds: tuple[str, ...] = (),
    results: Path = Path("experiments/results/footage.json"),
    pictures: Path = Path("experiments/pictures/footage"),
) -> None:
    """Measure all rows of the named kinds, or those that are missing, and print the table."""
    for kind in kinds:
        if kind not in KINDS:
            raise gvd.InputError(f"unknown kind {kind!r}: choose {', '.join(KINDS)}")
    kept = Results(results, by_kind)
    for name, kind in KINDS.items():
        for strength in kind.strengths:
            for photograph in PHOTOGRAPHS:
                row = name_of(name, strength, photograph)
                if kept.wants(row, [row] if name in kinds else kinds):
                    kept.add(row, measure(kind, strength, photograph, pictures / name))
    print(kept.table())


if __name__ == "__main__":
    run(main)
