"""Figure 8: kernels of a homography against kernels per pixel, where something moves on its own.

    python -m experiments.paper.figure_8

The page draws the path that the exposure has seen, at points of a grid: of the homographies between frames, as in [9]
and [19], of our flow, and the true one. The table has how far the paths are off, and what deblurring with them gives.
"""

from pathlib import Path

import jax.numpy as jnp
import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

import gvd_jax as gvd
from experiments.baselines import homography
from experiments.clips import INTERIOR, TrueClip, of_rendered
from experiments.command import run
from experiments.paper.layout import with_remarks
from experiments.paper.scenes import scene
from experiments.paper.systems import Restored, blurry, exact, ours, scores
from experiments.results import Results
from gvd_jax.shapes import HostArray
from gvd_jax.video.synthesize import render
from gvd_jax.view.figures import DPI, save

FRAMES, HEIGHT, WIDTH = 5, 240, 320
NUMBER = 85  # of the scene
GRID = 20  # pixels between the kernels that are drawn
INSTANTS = np.linspace(-1, 1, 21)  # of the exposure
MIDDLE = FRAMES // 2
REMARKS = "[9] and [19] refine their homographies; the solver is stronger than theirs: see experiments/baselines."


def paths(flow: HostArray, duty_cycle: float) -> HostArray:
    """Where the exposure has seen the points of a frame with flow [2, H, W, 2], relative to mid-exposure, at all
    instants: [instant, H, W, 2]."""
    a, b = (np.asarray(x)[:, None, None, None] for x in gvd.MotionBlur().path(jnp.asarray(duty_cycle * INSTANTS)))
    return a * flow[0] + b * flow[1]


def by_homography(clip: TrueClip) -> Restored:
    """Deblurred with the homographies between frames."""
    return Restored(*homography.deblur(clip.blurry, clip.duty_cycle))


def path_error(clip: TrueClip, flow: HostArray) -> float:
    """Mean distance between the path of the flow and the true one over the exposure of the interior frames, pixels."""
    errors = [
        np.linalg.norm(paths(found, clip.duty_cycle) - paths(true, clip.duty_cycle), axis=-1).mean()
        for found, true in zip(flow[INTERIOR], clip.flow[INTERIOR], strict=True)
    ]
    return float(np.mean(errors))


def draw(axes: Axes, frame: HostArray, flow: HostArray, duty_cycle: float, caption: str) -> None:
    """The kernels of a flow [2, H, W, 2] on its frame."""
    axes.imshow(frame)
    lines = paths(flow, duty_cycle)[:, GRID // 2 :: GRID, GRID // 2 :: GRID]
    y, x = np.mgrid[GRID // 2 : HEIGHT : GRID, GRID // 2 : WIDTH : GRID]
    lines = lines.reshape(len(INSTANTS), -1, 2) + np.stack([x.ravel(), y.ravel()], -1)
    axes.add_collection(LineCollection(list(np.moveaxis(lines, 0, 1)), colors="yellow", linewidths=1.5))
    axes.set_axis_off()
    axes.set_title(caption, fontsize=9)


def main(results: Path = Path("experiments/results/figure_8.json")) -> None:
    """Draw the page and print the table."""
    kept = Results(results, with_remarks(REMARKS))
    clip = of_rendered("figure 8", render(scene(NUMBER, FRAMES, HEIGHT, WIDTH), FRAMES, HEIGHT, WIDTH, 0.45))
    found = {system.__name__.replace("_", " "): system(clip) for system in (blurry, by_homography, ours, exact)}
    found["exact"] = Restored(found["exact"].latent, clip.flow)
    figure = Figure(figsize=(14, 5.8), dpi=DPI, layout="constrained")
    axes = figure.subplots(2, 4)
    for column, (name, restored) in enumerate(found.items()):
        row = scores(clip, restored)
        if restored.flow is not None:
            row["path error px"] = round(path_error(clip, restored.flow), 3)
            draw(axes[0, column], clip.blurry[MIDDLE], restored.flow[MIDDLE], clip.duty_cycle, f"kernels, {name}")
        kept.add(name, row)
        assert restored.latent is not None
        axes[1, column].imshow(np.clip(restored.latent[MIDDLE], 0, 1))
        axes[1, column].set_title(name, fontsize=9)
    for axis in axes.flat:
        axis.set_axis_off()
    save(figure, results.with_suffix(".png"))
    print(kept.table())


if __name__ == "__main__":
    run(main)
