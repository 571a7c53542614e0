"""Flow and defocus of a clip as files: the values, and pictures of them."""

from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from gvd_jax.video.flow_files import write_flow
from gvd_jax.view.maps import DIRECTIONS, draw_maps


def write_maps(directory: Path, flow: ArrayLike, defocus: ArrayLike) -> None:
    """Write flow [T, 2, H, W, 2] and defocus [T, H, W], both in pixels, into `directory`, which is made.

    Beside the pictures of `draw_maps`, flow_00000_forward.flo and flow_00000_backward.flo per frame, and defocus.npy.
    """
    directory.mkdir(parents=True, exist_ok=True)
    draw_maps(directory, flow, defocus)
    np.save(directory / "defocus.npy", np.asarray(defocus))
    for k, pair in enumerate(np.asarray(flow)):
        for name, motion in zip(DIRECTIONS, pair, strict=True):
            write_flow(directory / f"flow_{k:05d}_{name}.flo", motion)
