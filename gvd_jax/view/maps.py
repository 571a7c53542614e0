"""Pictures of the flow and defocus of a clip, the colours of all its frames alike."""

from pathlib import Path

import imageio.v3 as iio
import numpy as np
from numpy.typing import ArrayLike

from gvd_jax.view.colour import defocus_colours, flow_colours
from gvd_jax.view.figures import legend, save

DIRECTIONS = ("forward", "backward")  # to the next frame, to the one before


def draw_maps(
    directory: str | Path, flow: ArrayLike, defocus: ArrayLike, fastest: float, softest: float, first: int = 0
) -> None:
    """Draw flow [T, 2, H, W, 2] and defocus [T, H, W], both in pixels, into the existing folder `directory`.

    Per frame, counted from `first`, flow_00000_forward.png, flow_00000_backward.png and defocus_00000.png; `fastest`
    and `softest` are the pixels that full colour stands for, and legend.png says so.
    """
    directory = Path(directory)
    save(legend(fastest, softest), directory / "legend.png")
    for k, (pair, blur) in enumerate(zip(np.asarray(flow), np.asarray(defocus), strict=True), first):
        for name, motion in zip(DIRECTIONS, pair, strict=True):
            iio.imwrite(directory / f"flow_{k:05d}_{name}.png", flow_colours(motion, fastest))
        iio.imwrite(directory / f"defocus_{k:05d}.png", defocus_colours(blur, softest))
