"""Eqs. (18)-(19): the occlusion-aware spatio-temporal filter as loops over pixels. Conventions of `blur`."""

import numpy as np

from tests.references.blur import bilinear
from tests.references.energy import NEIGHBOURS, displacement

OCCLUDED = 0.01  # o(x, y) of a neighbour that does not see x


def cross_check(flow):
    """Where the flow to frame i + n and the flow back agree, n -> bool [T, H, W]; False where frame i + n is absent.

    |u + u'|^2 < 0.01 (|u|^2 + |u'|^2) + 0.5 px^2, with u' the flow from i + n to i read at x + u.
    """
    frames, _, height, width, _ = flow.shape
    agree = {n: np.zeros((frames, height, width), bool) for n in NEIGHBOURS}
    for n in NEIGHBOURS:
        for i in range(max(0, -n), min(frames, frames - n)):
            way_back = np.zeros((height, width, 2))
            for y, x in np.ndindex(height, width):
                way_back[y, x] = displacement(flow, i + n, -n, y, x)
            for y, x in np.ndindex(height, width):
                there = displacement(flow, i, n, y, x)
                back = bilinear(way_back, y + there[1], x + there[0])
                bound = 0.01 * (np.sum(there**2) + np.sum(back**2)) + 0.5
                agree[n][i, y, x] = np.sum((there + back) ** 2) < bound
    return agree


def patch(image, y, x):
    """The 5x5 patch P(x) around a position, [25, C]."""
    return np.array([bilinear(image, y + dy - 2, x + dx - 2) for dy, dx in np.ndindex(5, 5)])


def patch_distance(first, second):
    """|P - P'|^2 of Eq. (19): squares summed over the 25 pixels, averaged over channels."""
    return np.sum(np.mean((first - second) ** 2, axis=1))


def post_filter(latent, flow, sigma_w=25 / 255, visible=None):
    """The filtered frames [T, H, W, C]; all reads are of the unfiltered ones.

    `visible` is a dictionary n -> bool [T, H, W], by default that of `cross_check`.
    """
    frames, height, width, _ = latent.shape
    visible = cross_check(flow) if visible is None else visible
    result = np.zeros_like(latent, dtype=np.float64)
    for i, y, x in np.ndindex(frames, height, width):
        own = patch(latent[i], y, x)
        norm = 0.0
        for n in (0, *NEIGHBOURS):
            if not 0 <= i + n < frames:
                continue
            ux, uy = displacement(flow, i, n, y, x) if n else (0.0, 0.0)
            o = 1.0 if n == 0 or visible[n][i, y, x] else OCCLUDED
            for dy, dx in np.ndindex(3, 3):
                row, column = y + uy + dy - 1, x + ux + dx - 1
                distance = patch_distance(own, patch(latent[i + n], row, column))
                weight = o * np.exp(-distance / (2 * sigma_w**2))
                result[i, y, x] += weight * bilinear(latent[i + n], row, column)
                norm += weight
        result[i, y, x] /= norm
    return result
