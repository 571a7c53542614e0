"""Interlaced pictures, found by looking: two instants in the even and the odd rows make combs of what moves."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gvd_jax.errors import InputError
from gvd_jax.shapes import HostArray

# Differences of rows next to each other over those of rows two apart: 1.4 to 3.2 in woven fields, .8 and less in
# pictures of all kinds, 1 in mere noise.
COMBED = 1.3
DEINTERLACE = "deinterlace it first: ffmpeg -i IN -vf bwdif OUT"


FEWEST = 64  # rows: no video has fewer
LOOKED_AT, SHARE = 24, 0.2  # frames, of which so many have combs where a film has them: not all of one that was 24p


def check_combs(path: Path, looked_at: Sequence[float]) -> None:
    """Raise `InputError` if so many of the frames that were looked at by `combs` are woven of two."""
    if looked_at and np.mean(np.array(looked_at) > COMBED) >= SHARE:
        raise InputError(f"the rows of {path} are of two instants, as in interlaced video; {DEINTERLACE}")


def combs(frame: HostArray) -> float:
    """How much more rows of a frame [H, W, C] differ from those next to them than from those two away; 0 if too few.

    In a picture of black and white only, dots stand for gray, row by row.
    """
    gray = frame.mean(-1, dtype=np.float32)
    if frame.shape[0] < FEWEST or ((gray == gray.min()) | (gray == gray.max())).all():
        return 0.0
    inner = gray[2:-2]
    near = np.abs(2 * inner - gray[1:-3] - gray[3:-1]).mean()
    far = np.abs(2 * inner - gray[:-4] - gray[4:]).mean()
    return float(near / max(far, 1e-4))
