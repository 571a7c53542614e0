"""Pictures to look at: before and after side by side, the energy over time, what the colours of the maps mean.

Figures are made through matplotlib's objects, never through pyplot: no global state, no window system.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike
from scipy import ndimage

from gvd_jax.progress import Progress
from gvd_jax.shapes import HostArray
from gvd_jax.view.colour import defocus_colours, flow_legend

DPI = 100
GAP = 8  # pixels between pictures
LABEL = 26  # pixels above them
CHARACTER = 7  # pixels of a label, at most
ZOOM = 3
SHEET = (360, 480)  # rows and columns of a picture among many


def before_after(pictures: Mapping[str, ArrayLike]) -> Figure:
    """Frames [H, W, C] in [0, 1] side by side under their labels, one pixel each, and below the same detail enlarged.

    The detail is where the second picture differs most from the first: what the restoration did.
    """
    images = {label: _colour(picture) for label, picture in pictures.items()}
    first, second = list(images.values())[:2]
    height, width = first.shape[:2]
    top, left = _busiest(np.abs(second - first).sum(-1), height // ZOOM, width // ZOOM)
    rows, columns = slice(top, top + height // ZOOM), slice(left, left + width // ZOOM)
    total = (len(images) * (width + GAP) + GAP, LABEL + 2 * (height + GAP))
    figure = Figure(figsize=(total[0] / DPI, total[1] / DPI), dpi=DPI, facecolor="white")
    for k, (label, image) in enumerate(images.items()):
        x = GAP + k * (width + GAP)
        detail = image[rows, columns].repeat(ZOOM, 0).repeat(ZOOM, 1)
        figure.figimage(image, x, height + 2 * GAP)
        figure.figimage(detail, x, GAP)
        figure.text(x / total[0], 1 - LABEL / 2 / total[1], label, va="center", fontsize=10)
    return figure


def contact_sheet(pictures: Mapping[str, ArrayLike]) -> Figure:
    """The same detail of all frames [H, W, C] in [0, 1] under their labels, one pixel each, in a grid.

    The detail is at most `SHEET` and lies where the second picture differs most from the first.
    """
    images = {label: _colour(picture) for label, picture in pictures.items()}
    first, second = list(images.values())[:2]
    height, width = (min(size, most) for size, most in zip(first.shape[:2], SHEET, strict=True))
    top, left = _busiest(np.abs(second - first).sum(-1), height, width)
    columns = int(np.ceil(len(images) ** 0.5))
    rows = -(-len(images) // columns)
    cell = (max(width, CHARACTER * max(map(len, images))) + GAP, height + LABEL)
    total = (columns * cell[0] + GAP, rows * cell[1] + GAP)
    figure = Figure(figsize=(total[0] / DPI, total[1] / DPI), dpi=DPI, facecolor="white")
    for k, (label, image) in enumerate(images.items()):
        x, y = GAP + k % columns * cell[0], total[1] - (k // columns + 1) * cell[1]
        figure.figimage(image[top : top + height, left : left + width], x, y)
        figure.text(x / total[0], (y + height + LABEL / 2) / total[1], label, va="center", fontsize=8)
    return figure


def energy_curve(history: Sequence[Progress]) -> Figure:
    """Each weighted term per pixel of its level, over the seconds since the start; a dotted line opens a level.

    Per pixel, because the levels of the pyramid differ in size.
    """
    figure = Figure(figsize=(8, 4.5), dpi=DPI, layout="constrained")
    axes = figure.add_subplot(xlabel="seconds", ylabel="energy per pixel", yscale="log")
    steps = [progress for progress in history if progress.energy]
    for name in dict.fromkeys(name for step in steps for name in step.energy):
        points = []
        for before, step in pairwise([steps[0], *steps]):
            if step.level != before.level:
                points.append((step.seconds, np.nan))  # the energy of another level is another function
            if step.energy.get(name, 0) > 0:
                points.append((step.seconds, float(step.energy[name]) / np.prod(step.shape)))
        if any(np.isfinite(y) for _, y in points):
            axes.plot(*zip(*points, strict=True), marker="o", markersize=3, label=name)
    for before, after in pairwise(steps):
        if after.level != before.level:
            axes.axvline(before.seconds, color="gray", linestyle=":", linewidth=1)
    if axes.lines:
        axes.legend(frameon=False)
    return figure


def legend(largest_motion: float, largest_defocus: float) -> Figure:
    """What the colours of flow and defocus maps mean, given what full colour and brightness stand for, in pixels."""
    wheel = flow_legend()
    size = len(wheel)
    ramp = defocus_colours(np.broadcast_to(np.linspace(1, 0, size)[:, None], (size, 24)), 1.0)
    figure = Figure(figsize=(4.6, (size + 2 * GAP) / DPI), dpi=DPI, facecolor="white")
    figure.figimage(wheel, GAP, GAP)
    figure.figimage(ramp, 310, GAP)
    figure.text(
        0.36, 0.5, f"flow: direction,\nfull colour is\n{largest_motion:.1f} px per frame", va="center", fontsize=8
    )
    figure.text(0.74, 0.92, f"defocus {largest_defocus:.1f} px", va="top", fontsize=8)
    figure.text(0.74, 0.06, "in focus", fontsize=8)
    return figure


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure as PNG, at one pixel per pixel; who looks at `path` never sees half a picture."""
    path = Path(path)
    temporary = path.with_name(f".{path.name}")
    figure.savefig(temporary, dpi=DPI, format="png")
    temporary.replace(path)


def _colour(picture: ArrayLike) -> HostArray:
    """[H, W, 3] in [0, 1]."""
    image = np.clip(np.asarray(picture, np.float32), 0.0, 1.0)
    return np.broadcast_to(image, (*image.shape[:2], 3))


def _busiest(difference: HostArray, height: int, width: int) -> tuple[int, int]:
    """Top left corner of the window of that size over which `difference` [H, W] adds up to most."""
    sums = np.pad(difference, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    windows = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    top, left = np.unravel_index(np.argmax(ndimage.gaussian_filter(windows, 2)), windows.shape)
    return int(top), int(left)
