"""Flow and defocus of a clip as files: the values, and pictures of them."""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from gvd_jax.video.flow_files import write_flow
from gvd_jax.view.maps import DIRECTIONS, draw_maps


def write_maps(
    directory: Path, flow: ArrayLike, defocus: ArrayLike, fastest: float, softest: float, first: int = 0
) -> None:
    """Write flow [T, 2, H, W, 2] and defocus [T, H, W], both in pixels, into `directory`, which is made.

    Beside the pictures of `draw_maps`, per frame flow_00000_forward.flo, flow_00000_backward.flo and defocus_00000.npy.
    """
    directory.mkdir(parents=True, exist_ok=True)
    draw_maps(directory, flow, defocus, fastest, softest, first)
    for k, (pair, blur) in enumerate(zip(np.asarray(flow), np.asarray(defocus), strict=True), first):
        np.save(directory / f"defocus_{k:05d}.npy", blur)
        for name, motion in zip(DIRECTIONS, pair, strict=True):
            write_flow(directory / f"flow_{k:05d}_{name}.flo", motion)
