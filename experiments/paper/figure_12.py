"""Figure 12: the paper's failure, a small hand that moves fast, and what has become of it.

    python -m experiments.paper.figure_12 [--full]

Coarse levels of a pyramid do not see the hand, so that its flow starts as that of what is behind it. The table has the
whole frame and the surroundings of the hand alone. `--full` adds [20] and the paper's own preset.
"""

from pathlib import Path

import numpy as np
from scipy.ndimage import binary_dilation

from experiments.clips import INTERIOR, TrueClip, of_rendered
from experiments.command import run
from experiments.paper import systems
from experiments.paper.pages import enlarged, page
from experiments.paper.systems import Restored, System, scores
from experiments.results import Results, Row
from gvd_jax import metrics
from gvd_jax.shapes import HostArray
from gvd_jax.video.layers import Layer, ellipse, middle, photograph, random_path
from gvd_jax.video.synthesize import render
from gvd_jax.view.figures import save

FRAMES, HEIGHT, WIDTH = 5, 240, 320
MIDDLE = FRAMES // 2
SAMPLES = 8  # per side of the exposure, for [20]: one per 1.8 px of the largest motion, with room
SHAKE, HAND = 3.0, 14.0  # pixels per frame interval on average
AROUND = 8  # pixels: how far the surroundings of the hand go
MARK = 1e-6  # pixels: a defocus too small to be one, which tells the hand from the rest
ZOOM = 3


def clip() -> TrueClip:
    """A hand 24 px wide before a shaken camera, with `MARK` for its defocus."""
    rng = np.random.default_rng(12)
    body, hand = photograph("astronaut"), photograph("chelsea")
    matte = ellipse(hand.shape, middle(hand.shape), 36 + 27j, 0.4)
    layers = [
        Layer(body, 1.5, random_path(rng, FRAMES, SHAKE)),
        Layer(hand, 3.0, random_path(rng, FRAMES, HAND, offset=50 - 20j), matte),
    ]
    return of_rendered("figure 12", render(layers, FRAMES, HEIGHT, WIDTH, 0.45, (0.0, MARK)))


def row_of(shown: TrueClip, restored: Restored, hand: HostArray) -> Row:
    """The scores of the frame, and those at the `hand` [T, H, W]."""
    row = scores(shown, Restored(restored.latent, restored.flow))
    assert restored.latent is not None
    near = np.array([binary_dilation(mask, iterations=AROUND) for mask in hand[INTERIOR]], bool)
    square = np.square(restored.latent - shown.sharp)[INTERIOR]
    row["PSNR at the hand"] = round(float(-10 * np.log10(square[near].mean())), 4)
    if restored.flow is not None:
        known = (shown.known & hand[:, None])[INTERIOR]
        truth = shown.flow[INTERIOR]
        row["EPE at the hand px"] = round(metrics.end_point_error(restored.flow[INTERIOR], truth, known), 4)
    return row


def main(full: bool = False, results: Path = Path("experiments/results/figure_12.json")) -> None:
    """Draw the page and print the table."""
    kept = Results(results)
    shown = clip()
    hand = shown.defocus > 0
    compared: dict[str, System] = {"blurry": systems.blurry, "ours": systems.ours, "exact": systems.exact}
    if full:
        compared["[20]"] = systems.predecessor(systems.ALL_LEVELS, SAMPLES)
        compared["paper preset"] = systems.as_printed(systems.ALL_LEVELS, SAMPLES)
    y, x = (int(np.mean(place)) for place in np.nonzero(hand[MIDDLE]))
    window = (slice(max(y - 40, 0), y + 40), slice(max(x - 53, 0), x + 53))
    frames = {}
    for name, system in compared.items():
        restored = system(shown)
        kept.add(name, row_of(shown, restored, hand))
        assert restored.latent is not None
        frames[name] = restored.latent[MIDDLE]
    frames["truth"] = shown.sharp[MIDDLE]
    details = {f"{name}, the hand": enlarged(frame, window, ZOOM) for name, frame in frames.items()}
    save(page([frames, details]), results.with_suffix(".png"))
    print(kept.table())


if __name__ == "__main__":
    run(main)
