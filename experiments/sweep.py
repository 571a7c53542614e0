"""What a sweep of eight settings costs: side by side, one after the other, and as eight commands.

    python -m experiments.sweep [--rows NAME ...]

Seven frames of 160x120, eight weights of the data term. Every row is a process of its own without a compilation cache,
so its seconds hold what a user waits for: import, compilation, run. "Eight runs" is the sum over eight processes that
share a compilation cache, which is empty before the first.
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

import imageio.v3 as iio
import numpy as np

from experiments.clips import rendered_clip
from experiments.command import run
from experiments.results import Results, Row

VALUES = (100, 150, 250, 350, 500, 700, 1000, 1500)
FRAMES, HEIGHT, WIDTH, TAU, MOTION = 7, 120, 160, 0.5, 4.0


def sweep_in_process(folder: Path, values: tuple[int, ...], batch_size: int) -> float:
    """Seconds of one `gvd-jax sweep`."""
    weights = [str(value) for value in values]
    command = [sys.executable, "-m", "gvd_jax", "sweep", str(folder / "blurry"), str(folder / "out"), "--overwrite"]
    options = ["--duty-cycle", str(TAU), "--batch-size", str(batch_size)]
    begin = time.monotonic()
    environment = {"XDG_CACHE_HOME": str(folder / "cache"), "PATH": "/usr/bin:/bin"}
    subprocess.run([*command, *options, "--weights.data", *weights], check=True, env=environment, capture_output=True)
    return time.monotonic() - begin


def measure(way: str) -> Row:
    """Seconds of one way, from an empty compilation cache."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "blurry").mkdir()
        for k, frame in enumerate(rendered_clip(FRAMES, HEIGHT, WIDTH, TAU, MOTION).blurry):
            iio.imwrite(folder / "blurry" / f"{k:04d}.png", np.round(frame * 255).astype(np.uint8))
        if way == "eight runs":
            seconds = [sweep_in_process(folder, (value,), 1) for value in VALUES]
            return {"s": round(sum(seconds), 1), "first s": round(seconds[0], 1), "last s": round(seconds[-1], 1)}
        cold, warm = (sweep_in_process(folder, VALUES, int(way.split()[-1])) for _ in (0, 1))
        return {"s": round(cold, 1), "again s": round(warm, 1)}


def main(rows: tuple[str, ...] = (), results: Path = Path("experiments/results/sweep.json")) -> None:
    """Measure the named rows, or those that are missing, and print the table."""
    kept = Results(results)
    for way in ("eight runs", "batches of 1", "batches of 2"):
        if kept.wants(way, rows):
            kept.add(way, measure(way))
    print(kept.table())


if __name__ == "__main__":
    run(main)
