"""Which neighbours see a pixel: forward-backward check of the flow (section 4.2, as in reference [43])."""

import jax.numpy as jnp

from gvd_jax.ops.sampling import pixel_grid
from gvd_jax.ops.warp import NEIGHBOURS, displacement, neighbour_exists, warp
from gvd_jax.shapes import Flow, Visibility

RELATIVE = 0.01  # of |u|^2 + |u'|^2
ABSOLUTE = 0.5  # px^2


def inside(flow: Flow, neighbours: tuple[int, ...] = NEIGHBOURS) -> Visibility:
    """1 where frame i + n exists and x + u_{i->i+n} lies inside it; else 0. [T, N, H, W] for n in `neighbours`."""
    frames, _, height, width, _ = flow.shape
    y, x = pixel_grid(height, width, flow.dtype)

    def within(n):
        there = displacement(flow, n)
        moved_y, moved_x = y + there[..., 1], x + there[..., 0]
        return (moved_x >= 0) & (moved_x <= width - 1) & (moved_y >= 0) & (moved_y <= height - 1)

    seen = jnp.stack([within(n) for n in neighbours], 1)
    return (seen & neighbour_exists(frames, neighbours)[:, :, None, None]).astype(flow.dtype)


def visibility(flow: Flow) -> Visibility:
    """1 where frame i + n exists, x + u_{i->i+n} is inside it, and the flow back returns to x; else 0.

    The check is |u(x) + u'(x + u)|^2 < 0.01 (|u|^2 + |u'|^2) + 0.5 px^2, with u' the composed flow of frame i + n
    to frame i.
    """

    def returns(n):
        there = displacement(flow, n)
        back = warp(displacement(flow, -n), there, n)
        gap = jnp.square(there + back).sum(-1)
        return gap < RELATIVE * (jnp.square(there).sum(-1) + jnp.square(back).sum(-1)) + ABSOLUTE

    return jnp.stack([returns(n) for n in NEIGHBOURS], 1) * inside(flow)
