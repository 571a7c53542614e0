"""Pages of pictures like the paper's: frames at one pixel per pixel in rows, a caption under each."""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from gvd_jax.shapes import HostArray
from gvd_jax.view.figures import DPI, GAP, LABEL


def page(rows: Sequence[Mapping[str, ArrayLike]]) -> Figure:
    """Pictures by caption, [H, W] or [H, W, 3], display values in [0, 1] or bytes; a row has one height."""
    images = [{caption: _bytes(picture) for caption, picture in row.items()} for row in rows]
    heights = [max(image.shape[0] for image in row.values()) + GAP + LABEL for row in images]
    width = max(sum(image.shape[1] + GAP for image in row.values()) for row in images) + GAP
    total = (width, sum(heights) + GAP)
    figure = Figure(figsize=(total[0] / DPI, total[1] / DPI), dpi=DPI, facecolor="white")
    bottom = GAP
    for row, height in zip(images[::-1], heights[::-1], strict=True):
        left = GAP
        for caption, image in row.items():
            figure.figimage(image, left, bottom + LABEL)
            middle = (left + image.shape[1] / 2) / total[0]
            figure.text(middle, (bottom + LABEL / 2) / total[1], caption, ha="center", va="center", fontsize=9)
            left += image.shape[1] + GAP
        bottom += height
    return figure


def enlarged(picture: ArrayLike, window: tuple[slice, slice], times: int) -> HostArray:
    """A window of a picture, every pixel `times` as wide and high."""
    return np.asarray(picture)[window].repeat(times, 0).repeat(times, 1)


def _bytes(picture: ArrayLike) -> HostArray:
    image = np.asarray(picture)
    if image.dtype != np.uint8:
        image = np.round(255 * np.clip(image, 0, 1)).astype(np.uint8)
    return np.broadcast_to(image if image.ndim == 3 else image[..., None], (*image.shape[:2], 3))
