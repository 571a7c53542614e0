"""What restoring a clip costs: seconds, compilation apart, memory, and the operators against scipy and a copy.

    python -m experiments.speed [--rows "K 320x240" ...]

Clips are rendered from a photograph, 9 frames unless said, with 8 px of blur on average. Every clip is restored by
programs of its own: one with an empty compilation cache, restoring it twice (first run ever, warm), and one that starts
again (second run). On a GPU the same command measures it; operators are then compared with a copy on the device.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro

from experiments.clips import rendered_clip
from experiments.results import Results, Row

TAU = 0.5
BLUR = 8.0  # px: the mean path of an exposure of a clip, the longest one in the test of the operators
REPEATS = 11
FRAMES = 7  # in the test of the operators
SIZES = ((240, 320), (480, 640), (720, 1280))


@dataclass(frozen=True)
class Run:
    """A preset on a rendered clip, as typed, or with the camera `given`: its shutter and its curve."""

    preset: str
    frames: int
    height: int
    width: int
    given: bool = False


RUNS = {
    "default 320x240": Run("default", 9, 240, 320),
    "default 320x240, camera given": Run("default", 9, 240, 320, given=True),
    "fast 320x240": Run("fast", 9, 240, 320),
    "default 160x120": Run("default", 9, 120, 160),
    "default 640x480": Run("default", 9, 480, 640),
    "default 320x240, 5 frames": Run("default", 5, 240, 320),
    "default 320x240, 50 frames": Run("default", 50, 240, 320),
    "default 1280x720, 7 frames": Run("default", 7, 720, 1280),
    "gvd2015 320x240": Run("gvd2015", 9, 240, 320),
}


def restore_twice(run: Run) -> None:
    """Print the seconds of restoring the clip twice in this process, and the peak of its memory."""
    import gvd_jax as gvd

    blurry = rendered_clip(run.frames, run.height, run.width, TAU, BLUR).blurry
    config = getattr(gvd.Config, run.preset)()
    tau, config = (TAU, config.with_transfer("none")) if run.given else ("auto", config)
    seconds, cpu_seconds = [], []
    for _ in range(2):
        start, start_cpu = time.monotonic(), time.process_time()
        gvd.deblur(blurry, tau, config)
        seconds.append(time.monotonic() - start)
        cpu_seconds.append(time.process_time() - start_cpu)
    times = {"seconds": seconds, "CPU seconds": cpu_seconds}
    print(json.dumps(times | {"peak MB": _peak_memory(), "peak device MB": _peak_of_device()}))


def _peak_memory() -> int:
    """Of this process, in MB. What `resource` tells begins with the peak of the process that started this one."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line.split()[1] for line in lines if line.startswith("VmHWM"))) // 1024


def _peak_of_device() -> int | None:
    """In MB; unknown of a CPU, where it is that of the process."""
    import jax

    statistics = jax.devices()[0].memory_stats()
    return statistics and statistics["peak_bytes_in_use"] // 2**20


def measure_run(run: Run) -> Row:
    """First run ever, warm and second run, and the peak of memory, each program in a process of its own."""
    with tempfile.TemporaryDirectory() as cache:
        environment = os.environ | {
            "JAX_COMPILATION_CACHE_DIR": cache,
            "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
        }
        program = f"from experiments.speed import Run, restore_twice; restore_twice({run!r})"
        command = [sys.executable, "-c", program]
        outputs = [subprocess.check_output(command, env=environment, text=True) for _ in range(2)]
    first, again = (json.loads(output.splitlines()[-1]) for output in outputs)
    warm = min(first["seconds"][1], again["seconds"][1])
    pixels = run.frames * run.height * run.width
    return {
        "warm s": round(warm, 2),
        "warm s per frame": round(warm / run.frames, 3),
        "us per pixel": round(1e6 * warm / pixels, 2),
        "warm CPU s": round(min(first["CPU seconds"][1], again["CPU seconds"][1]), 2),
        "first run s": round(first["seconds"][0], 1),
        "first run CPU s": round(first["CPU seconds"][0], 1),
        "second run s": round(again["seconds"][0], 1),
        "peak MB": again["peak MB"],
        "peak device MB": again["peak device MB"],
    }


def _median(function: Callable[[], Any]) -> float:
    import jax

    jax.block_until_ready(function())
    seconds = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        jax.block_until_ready(function())
        seconds.append(time.perf_counter() - start)
    return float(np.median(seconds))


def _matrix(flow: np.ndarray, samples: int) -> Any:
    """K as a scipy CSR matrix, built from the same reads; reads of one pixel are merged."""
    import scipy.sparse

    _, _, height, width, _ = flow.shape
    y, x = np.mgrid[:height, :width]
    parts = []
    for k in range(-samples, samples + 1):
        t = TAU * k / samples
        move = (t + t * t) / 2 * flow[0, 0] + (t * t - t) / 2 * flow[0, 1]
        py, px = np.clip(y - move[..., 1], 0, height - 1), np.clip(x - move[..., 0], 0, width - 1)
        y0, x0 = np.minimum(py.astype(int), height - 2), np.minimum(px.astype(int), width - 2)
        fy, fx = py - y0, px - x0
        weight = (0.5 if abs(k) == samples else 1) / (2 * samples)
        for dy, dx in ((0, 0), (0, 1), (1, 0), (1, 1)):
            share = weight * (fy if dy else 1 - fy) * (fx if dx else 1 - fx)
            parts.append((share.ravel(), ((y0 + dy) * width + x0 + dx).ravel()))
    rows = np.tile(np.arange(height * width), len(parts))
    values, columns = (np.concatenate(part) for part in zip(*parts, strict=True))
    matrix = scipy.sparse.coo_matrix((values.astype(np.float32), (rows, columns)), (height * width,) * 2).tocsr()
    matrix.eliminate_zeros()
    return matrix


def _flow(height: int, width: int) -> np.ndarray:
    """A smooth flow with paths of up to `BLUR` px in every direction, [1, 2, H, W, 2]."""
    y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    forward = np.stack([1 + 0.3 * np.sin(2 * y) - 0.5 * x, 0.6 * np.cos(2 * x) + 0.5 * y], -1)
    forward *= BLUR / np.linalg.norm(forward, axis=-1).max()
    return np.stack([forward, 0.2 - forward])[None].astype(np.float32)


def measure_operator(name: str, height: int, width: int) -> Row:
    """An operator and its adjoint on gray frames: ns per pixel, and against scipy or against a copy on the device."""
    import jax
    import jax.numpy as jnp

    from gvd_jax.ops.exposure import quadratic_path
    from gvd_jax.ops.gaussian_defocus import SCALES, gaussian_defocus
    from gvd_jax.ops.motion_blur import motion_blur
    from gvd_jax.ops.warp import warp

    samples = round(BLUR / 2)
    one = _flow(height, width)
    flow, tau = jnp.asarray(np.repeat(one, FRAMES, 0)), jnp.full(FRAMES, TAU, jnp.float32)
    sigma = SCALES[-1] / BLUR * jnp.linalg.norm(flow[:, 0], axis=-1)
    operator, planes = {  # and how many planes it reads and writes at least
        "K": (lambda x, flow, _: motion_blur(quadratic_path, samples, x, flow, tau), 6),
        "warp": (lambda x, flow, _: warp(x, flow, 1), 7),
        "G": (lambda x, _, sigma: gaussian_defocus(SCALES, x, sigma), 3),
    }[name]
    image = np.random.default_rng(0).random((FRAMES, height, width, 1)).astype(np.float32)
    x = jnp.asarray(image)
    forward = jax.jit(operator)
    backward = jax.jit(lambda y, *others: jax.linear_transpose(lambda x: operator(x, *others), x)(y)[0])
    y = forward(x, flow, sigma)
    seconds = [_median(lambda: forward(x, flow, sigma)), _median(lambda: backward(y, flow, sigma))]
    ways = ("", "adjoint ")
    row: Row = {f"{way}ns/px": round(1e9 * s / image.size, 2) for way, s in zip(ways, seconds, strict=True)}
    if jax.default_backend() != "cpu":
        big = jnp.zeros(2**26, jnp.float32)
        copied = jax.jit(lambda x: x + 1)
        rates = [planes * image.nbytes / s for s in seconds]
        row |= {f"{way}GB/s": round(rate / 1e9) for way, rate in zip(ways, rates, strict=True)}
        return row | {"copy GB/s": round(2e-9 * big.nbytes / _median(lambda: copied(big)))}
    if name != "K":
        return row
    matrix, vector = _matrix(one, samples), image[0].ravel()  # scipy's are the same for every frame
    transposed = matrix.T
    peers = [FRAMES * _median(lambda: matrix @ vector), FRAMES * _median(lambda: transposed @ vector)]
    row |= {f"{way}/ scipy": round(s / peer, 2) for way, s, peer in zip(ways, seconds, peers, strict=True)}
    return row | {"taps": round(matrix.nnz / vector.size, 1)}


def main(rows: tuple[str, ...] = ()) -> None:
    """Measure the named rows, or those that are missing, and print the table."""
    import jax

    kept = Results(Path(f"experiments/results/speed_{jax.default_backend()}.json"))
    trials: dict[str, Callable[[], Row]] = {
        f"{name} {width}x{height}": lambda name=name, h=height, w=width: measure_operator(name, h, w)
        for name in ("K", "warp", "G")
        for height, width in SIZES
    } | {name: lambda run=run: measure_run(run) for name, run in RUNS.items()}
    for name, measure in trials.items():
        if kept.wants(name, rows):
            kept.add(name, measure())
    print(kept.table())


if __name__ == "__main__":
    # Several programs share a GPU here, and none should take its memory for itself.
    os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
    tyro.cli(main)
