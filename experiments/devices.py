"""How much of several devices and hosts a long clip can use: measured on the cores there are, modelled beyond.

    python -m experiments.devices [--rows NAME ...]

Eight windows of a photograph under a shake are restored by the fast preset, once to compile and again to time it; every
device and every host has a core of its own. Efficiency is the time of one core over n times that of n. Beyond: one
host looks the clip through, all else is windows of one length that share nothing, so that n hosts take
ceil(windows / n) of them one after another.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import gvd_jax as gvd
from experiments.clips import rendered_clip
from experiments.command import run
from experiments.results import Results, Row
from gvd_jax.scale.layout import CONTEXT, Layout
from gvd_jax.scale.run import Window, read_windows, restore_windows
from gvd_jax.scale.spans import cut
from gvd_jax.scale.survey import take_survey
from gvd_jax.scale.window import Restored
from gvd_jax.shapes import HostArray

WINDOWS, LENGTH, HEIGHT, WIDTH, TAU = 8, 12, 96, 128, 0.45
FRAMES = WINDOWS * (LENGTH - 2 * CONTEXT) + 2 * CONTEXT
MINUTES, FPS = 10, 30  # of a clip at which the model is asked


def restore(number: int, hosts: int, cores: set[int]) -> None:
    """On every device of this process, the windows of one of several hosts; prints seconds as JSON."""
    os.sched_setaffinity(0, cores)
    config = gvd.Config.fast()
    blurry = rendered_clip(FRAMES, HEIGHT, WIDTH, TAU, 4.0).blurry
    layout = Layout(cut(FRAMES, LENGTH, 2 * CONTEXT), cut(HEIGHT, HEIGHT, 0), cut(WIDTH, WIDTH, 0))
    windows = [Window(k, span) for k, span in enumerate(layout.windows)]
    windows = [window for window in windows if window.number % hosts == number]
    survey = take_survey(lambda start, stop: blurry[start:stop], FRAMES, TAU, config)
    seconds = {}
    with tempfile.TemporaryDirectory() as folder:

        def keep(window: Window, _: Sequence[HostArray], restored: Restored) -> None:
            gvd.write_video(f"{folder}/{window.number}", restored["latent"], overwrite=True)

        for name in ("first", "again"):
            begun = time.monotonic()
            stream = read_windows(enumerate(blurry), windows)
            restore_windows(stream, len(windows), layout, survey, config, keep, [])
            seconds[name] = time.monotonic() - begun
        begun = time.monotonic()
        take_survey(lambda start, stop: blurry[start:stop], FRAMES, TAU, config)
        seconds["survey"] = time.monotonic() - begun
    print(json.dumps(seconds | {"windows": len(windows)}))


def timed(devices: int, hosts: int) -> list[Row]:
    """What every host prints; together they have a core per device."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < devices * hosts:
        raise gvd.InputError(f"{devices * hosts} cores are needed, and there are {len(cores)}: leave this row out")
    flags = os.environ | {"XLA_FLAGS": f"--xla_force_host_platform_device_count={devices}", "JAX_PLATFORMS": "cpu"}
    started = []
    for number in range(hosts):
        own = set(cores[number * devices : (number + 1) * devices])
        program = f"from experiments.devices import restore; restore({number}, {hosts}, {own})"
        started.append(subprocess.Popen([sys.executable, "-c", program], env=flags, stdout=subprocess.PIPE, text=True))
    printed = [process.communicate()[0] for process in started]
    assert not any(process.returncode for process in started)
    return [json.loads(text) for text in printed]


def measure(devices: int, hosts: int) -> Row:
    """Seconds, and the efficiency against one core, measured just before."""
    (one,), many = timed(1, 1), timed(devices, hosts)
    slowest = max(host["again"] for host in many)
    return {
        "windows": WINDOWS,
        "one core s": round(one["again"], 2),
        "survey s": round(one["survey"], 2),
        "seconds": round(slowest, 2),
        "efficiency": round(one["again"] / (devices * hosts * slowest), 3),
    }


def modelled(hosts: int, one: Row) -> Row:
    """Of a long clip, from the seconds of a window and of a survey on one core."""
    windows = -(-MINUTES * 60 * FPS // (LENGTH - 2 * CONTEXT))
    window, survey = one["one core s"] / one["windows"], one["survey s"]
    alone = survey + windows * window
    seconds = survey + -(-windows // hosts) * window
    return {"windows": windows, "seconds": round(seconds, 1), "efficiency": round(alone / (hosts * seconds), 3)}


def main(rows: tuple[str, ...] = ()) -> None:
    """Measure the named rows, or those that are missing, and print the table."""
    measured: dict[str, Callable[[], Row]] = {
        "2 devices": lambda: measure(2, 1),
        "2 hosts": lambda: measure(1, 2),
    }
    kept = Results(Path("experiments/results/devices.json"))
    for name, row in measured.items():
        if kept.wants(name, rows):
            kept.add(name, row())
    for hosts in (8, 64, 512):
        kept.add(f"{hosts} hosts, {MINUTES} minutes of video (modelled)", modelled(hosts, kept.rows["2 hosts"]))
    print(kept.table())


if __name__ == "__main__":
    run(main)
