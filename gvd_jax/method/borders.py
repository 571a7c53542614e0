"""Where a picture ends within its frame: at black that a stabiliser leaves, and at seams between pictures side by side,
as beside an upright film with its own blurred enlargement on both sides.

No point moves across such a line, so frames are not blurred across it either, and it would get rims of light.
"""

import numpy as np
from scipy import ndimage

from gvd_jax.shapes import HostArray

BLACK = 6 / 255  # display values: what is left unfilled is black, to the rounding of a codec
BRIGHT, OF_LINE = 0.1, 0.5  # where it ends, so much of a line of the picture is so much brighter; of a dark scene less
MIXED = 1  # lines beside it, of black and the picture
# Times the step between neighbouring lines nearby, the median over the frames: of full lines it is 5.6 and more at
# seams in experiments/footage, 2.0 at most elsewhere. Of a scene that moves no line stays.
SEAM, ROUNDING, NEARBY = 4.0, 2 / 255, np.array([1.0, 1, 1, 0, 0, 0, 1, 1, 1]) / 6
BESIDE = 3  # lines on each side of a seam, about half a blur
FRAMES = 3  # a median of fewer is none


def find_unfilled(frames: HostArray) -> HostArray:
    """Black rows and columns at the border of each of the frames [T, H, W, C] behind which the picture begins at once,
    and the line beside them, bool [T, H, W]."""
    brightest = frames.max(-1)
    unfilled = np.zeros(brightest.shape, bool)
    for frame, found in zip(brightest, unfilled, strict=True):
        dark = frame <= BLACK
        rows, columns = (np.flatnonzero(~dark.all(axis)).tolist() for axis in (1, 0))
        if not rows:
            continue
        inner = frame[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        for marks, picture, lines in ((found, inner, rows), (found.T, inner.T, columns)):
            _mark_leading(marks, picture, lines[0])
            _mark_leading(marks[::-1], picture[::-1], len(marks) - 1 - lines[-1])
    return unfilled


def _mark_leading(marks: HostArray, picture: HostArray, count: int) -> None:
    """Mark so many black lines if the picture behind them begins at once."""
    if count and (picture[: 1 + MIXED].max(0) > BRIGHT).mean() > OF_LINE:
        marks[: count + MIXED] = True


def find_seams(frames: HostArray) -> HostArray:
    """Rows and columns beside lines at which the frames [T, H, W, C] of a shot jump all along, bool [H, W]."""
    gray = frames.mean(-1)
    beside = np.zeros(gray.shape[1:], bool)
    for marks, across in ((beside, gray), (beside.T, gray.swapaxes(1, 2))):
        if len(gray) < FRAMES or across.shape[1] < len(NEARBY):
            continue
        step = np.median(np.abs(np.diff(across, axis=1)), 0).mean(1)
        for line in np.flatnonzero(step > SEAM * (ndimage.correlate1d(step, NEARBY, mode="nearest") + ROUNDING)):
            marks[max(line + 1 - BESIDE, 0) : line + 1 + BESIDE] = True
    return beside
