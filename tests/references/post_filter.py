"""Eqs. (18)-(19): the occlusion-aware spatio-temporal filter as loops over pixels. Conventions of `blur`."""

import numpy as np

from tests.references.blur import bilinear
from tests.references.energy import NEIGHBOURS, displacement, luma

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
    """The 5x5 patch P(x) of `image` [H, W] around a position, [25]."""
    return np.array([bilinear(image, y + dy - 2, x + dx - 2) for dy, dx in np.ndindex(5, 5)])


def bent_patch(image, place, y, x, dy, dx):
    """P(x) with every pixel read where the flow of its own takes it, [25]; pixels beyond the border repeat it.

    `place` is a function of a pixel: its (row, column) in `image`.
    """
    height, width = image.shape
    rows, columns = np.clip(np.arange(y - 2, y + 3), 0, height - 1), np.clip(np.arange(x - 2, x + 3), 0, width - 1)
    places = [place(r, c) for r in rows for c in columns]
    return np.array([bilinear(image, r + dy, c + dx) for r, c in places])


def post_filter(latent, flow, sigma_w=25 / 255, visible=None, bent=False):
    """The filtered frames [T, H, W, C]; all reads are of the unfiltered ones.

    Eq. (19) leaves open what |P - P'|^2 is for colour and how it is normed: here, the sum of squares of the luma.
    As printed, P(y) is a square around y in frame i + n; if `bent`, it is the square around x seen along the flow.
    `visible` is a dictionary n -> bool [T, H, W], by default that of `cross_check`.
    """
    frames, height, width, _ = latent.shape
    visible = cross_check(flow) if visible is None else visible
    result, gray = np.zeros_like(latent, dtype=np.float64), luma(latent)
    for i, y, x in np.ndindex(frames, height, width):
        own = patch(gray[i], y, x)
        norm = 0.0
        for n in (0, *NEIGHBOURS):
            if not 0 <= i + n < frames:
                continue

            def place(row, column, i=i, n=n):
                ux, uy = displacement(flow, i, n, row, column) if n else (0.0, 0.0)
                return row + uy, column + ux

            o = 1.0 if n == 0 or visible[n][i, y, x] else OCCLUDED
            for dy, dx in np.ndindex(3, 3):
                row, column = np.add(place(y, x), (dy - 1, dx - 1))
                if bent:
                    other = bent_patch(gray[i + n], place, y, x, dy - 1, dx - 1)
                else:
                    other = patch(gray[i + n], row, column)
                weight = o * np.exp(-np.sum((own - other) ** 2) / (2 * sigma_w**2))
                result[i, y, x] += weight * bilinear(latent[i + n], row, column)
                norm += weight
        result[i, y, x] /= norm
    return result
