"""Which neighbours see a pixel: forward-backward check of the flow (section 4.2, as in reference [43])."""

from typing import Any

import jax.numpy as jnp

from gvd_jax.ops.sampling import pixel_grid
from gvd_jax.ops.warp import DISTANCES, NEIGHBOURS, displacements, neighbour_exists, warp_fields
from gvd_jax.shapes import Continues, Flow, Visibility

RELATIVE = 0.01  # of |u|^2 + |u'|^2
ABSOLUTE = 0.5  # px^2


def inside(
    flow: Flow,
    continues: Continues,
    distances: tuple[int, ...] = DISTANCES,
    shape: tuple[Any, Any] | None = None,
) -> Visibility:
    """1 where frame i + n belongs to the shot and x and x + u_{i->i+n} lie inside it; else 0.

    [T, N, H, W], n as in `NEIGHBOURS`. `continues` [T] is 0 before a cut (`Observation`); `shape` is that of the frames
    where they do not fill the arrays.
    """
    y, x = (place[None, None] for place in pixel_grid(*flow.shape[2:4], dtype=flow.dtype))
    height, width = (jnp.asarray(size, flow.dtype) for size in (flow.shape[2:4] if shape is None else shape))
    here = (y < height) & (x < width)

    def within(distance):
        there = displacements(flow, distance)
        moved_y, moved_x = y + there[..., 1], x + there[..., 0]
        return here & (moved_x >= 0) & (moved_x <= width - 1) & (moved_y >= 0) & (moved_y <= height - 1)

    seen = jnp.concatenate([within(distance) for distance in distances], 1)
    exists = neighbour_exists(continues, NEIGHBOURS[: 2 * len(distances)])
    return (seen & exists[:, :, None, None]).astype(flow.dtype)


def visibility(flow: Flow, continues: Continues) -> Visibility:
    """1 where frame i + n belongs to the shot, x + u_{i->i+n} is inside it, and the flow back returns to x; else 0.

    The check is |u(x) + u'(x + u)|^2 < 0.01 (|u|^2 + |u'|^2) + 0.5 px^2, with u' the composed flow of frame i + n
    to frame i.
    """

    def returns(distance):
        there = displacements(flow, distance)
        back = warp_fields(there[:, ::-1], there, distance)
        gap = jnp.square(there + back).sum(-1)
        return gap < RELATIVE * (jnp.square(there).sum(-1) + jnp.square(back).sum(-1)) + ABSOLUTE

    return jnp.concatenate([returns(distance) for distance in DISTANCES], 1).astype(flow.dtype) * inside(
        flow, continues
    )
