"""Which neighbours see a pixel: forward-backward check of the flow (section 4.2, as in reference [43])."""

import jax.numpy as jnp

from gvd_jax.ops.sampling import pixel_grid
from gvd_jax.ops.warp import NEIGHBOURS, displacement, neighbour_exists, warp
from gvd_jax.shapes import Flow, Visibility

RELATIVE = 0.01  # of |u|^2 + |u'|^2
ABSOLUTE = 0.5  # px^2


def inside(flow: Flow) -> Visibility:
    """1 where frame i + n exists and x + u_{i->i+n} lies inside it; else 0."""
    frames, _, height, width, _ = flow.shape
    there = displacement(flow)
    y, x = pixel_grid(height, width, flow.dtype)
    y, x = y[..., None] + there[..., 1], x[..., None] + there[..., 0]
    within = (x >= 0) & (x <= width - 1) & (y >= 0) & (y <= height - 1)
    return (within & neighbour_exists(frames, NEIGHBOURS)[:, None, None, :]).astype(flow.dtype)


def visibility(flow: Flow) -> Visibility:
    """1 where frame i + n exists, x + u_{i->i+n} is inside it, and the flow back returns to x; else 0.

    The check is |u(x) + u'(x + u)|^2 < 0.01 (|u|^2 + |u'|^2) + 0.5 px^2, with u' the composed flow of frame i + n
    to frame i.
    """
    there = displacement(flow)
    # The way back from i + n uses neighbour -n: NEIGHBOURS is symmetric, so its order reversed.
    back = jnp.flip(there, 3).reshape(*there.shape[:3], -1)
    read = warp(back, there).reshape(*there.shape[:4], len(NEIGHBOURS), 2)
    back = jnp.einsum("thwnnc->thwnc", read)
    gap = jnp.square(there + back).sum(-1)
    bound = RELATIVE * (jnp.square(there).sum(-1) + jnp.square(back).sum(-1)) + ABSOLUTE
    return (gap < bound) * inside(flow)
