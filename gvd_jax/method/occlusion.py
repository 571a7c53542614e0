"""Which neighbours see a pixel: forward-backward check of the flow (section 4.2, as in reference [43])."""

import jax.numpy as jnp

from gvd_jax.ops.sampling import pixel_grid
from gvd_jax.ops.warp import DISTANCES, NEIGHBOURS, displacements, neighbour_exists, warp_fields
from gvd_jax.shapes import Flow, Visibility

RELATIVE = 0.01  # of |u|^2 + |u'|^2
ABSOLUTE = 0.5  # px^2


def inside(flow: Flow, distances: tuple[int, ...] = DISTANCES) -> Visibility:
    """1 where frame i + n exists and x + u_{i->i+n} lies inside it; else 0. [T, N, H, W], n as in `NEIGHBOURS`."""
    frames, _, height, width, _ = flow.shape
    y, x = pixel_grid(height, width, flow.dtype)

    def within(distance):
        there = displacements(flow, distance)
        moved_y, moved_x = y + there[..., 1], x + there[..., 0]
        return (moved_x >= 0) & (moved_x <= width - 1) & (moved_y >= 0) & (moved_y <= height - 1)

    seen = jnp.concatenate([within(distance) for distance in distances], 1)
    exists = neighbour_exists(frames, NEIGHBOURS[: 2 * len(distances)])
    return (seen & exists[:, :, None, None]).astype(flow.dtype)


def visibility(flow: Flow) -> Visibility:
    """1 where frame i + n exists, x + u_{i->i+n} is inside it, and the flow back returns to x; else 0.

    The check is |u(x) + u'(x + u)|^2 < 0.01 (|u|^2 + |u'|^2) + 0.5 px^2, with u' the composed flow of frame i + n
    to frame i.
    """

    def returns(distance):
        there = displacements(flow, distance)
        back = warp_fields(there[:, ::-1], there, distance)
        gap = jnp.square(there + back).sum(-1)
        return gap < RELATIVE * (jnp.square(there).sum(-1) + jnp.square(back).sum(-1)) + ABSOLUTE

    return jnp.concatenate([returns(distance) for distance in DISTANCES], 1) * inside(flow)
