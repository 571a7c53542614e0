"""Figures 13 to 15: against patches of lucky frames [19], two affine layers [16], and homographies [9].

    python -m experiments.paper.figures_13_15

The paper shows the authors' own footage, without truth; here are two rendered clips: a camera that now and then stands
nearly still, as [19] wants it, and a scene of two layers, as [16] does. Each also shows what the other cannot do.
"""

from pathlib import Path

import numpy as np

from experiments.baselines import cho, homography, wulff_black
from experiments.clips import TrueClip, of_rendered
from experiments.command import run
from experiments.paper.layout import with_remarks
from experiments.paper.pages import page
from experiments.paper.scenes import scene
from experiments.paper.systems import Restored, System, blurry, exact, ours, scores
from experiments.results import Results
from gvd_jax.video.layers import Layer, photograph
from gvd_jax.video.layers import Path as Motion
from gvd_jax.video.synthesize import render
from gvd_jax.view.figures import save

FRAMES, HEIGHT, WIDTH = 5, 240, 320
MIDDLE = FRAMES // 2
PERIOD, WAY = 8, 13.0  # of the camera that turns back: frames; pixels from the middle, which it passes at 10 px a frame
REMARKS = "[9], [16] and [19] are weaker than their authors' in some ways: see experiments/baselines."


def lucky() -> TrueClip:
    """A camera that swings: at the first and the fifth frame it stands still, and between it moves fast."""
    frequency = np.array([1, -1]) / PERIOD
    swing = Motion(frequency=frequency, shake=np.full(2, WAY / 2 * np.exp(0.4j)))
    layers = [Layer(photograph("motorcycle"), 1.4, swing)]
    return of_rendered("lucky", render(layers, FRAMES, HEIGHT, WIDTH, 0.45))


def layered() -> TrueClip:
    """One photograph that moves before another."""
    return of_rendered("layered", render(scene(77, FRAMES, HEIGHT, WIDTH), FRAMES, HEIGHT, WIDTH, 0.45))


def main(results: Path = Path("experiments/results/figures_13_15.json")) -> None:
    """Draw the page and print the table."""
    kept = Results(results, with_remarks(REMARKS))
    systems: dict[str, System] = {
        "blurry": blurry,
        "[9]": lambda clip: Restored(*homography.deblur(clip.blurry, clip.duty_cycle)),
        "[19]": lambda clip: Restored(cho.deblur(clip.blurry, clip.duty_cycle)),
        "[16]": lambda clip: Restored(*wulff_black.deblur(clip.blurry, clip.duty_cycle)[:2]),
        "ours": ours,
        "exact": exact,
    }
    rows = []
    for clip in (lucky(), layered()):
        frames = {}
        for name, system in systems.items():
            restored = system(clip)
            kept.add(f"{clip.name}/{name}", scores(clip, Restored(restored.latent, restored.flow)))
            assert restored.latent is not None
            frames[f"{name}, {clip.name}"] = restored.latent[MIDDLE]
        frames["truth"] = clip.sharp[MIDDLE]
        pictures = list(frames.items())
        rows += [dict(pictures[:4]), dict(pictures[4:])]
    save(page(rows), results.with_suffix(".png"))
    print(kept.table())


if __name__ == "__main__":
    run(main)
