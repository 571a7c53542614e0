"""The motion before the first and after the last frame of a shot: no neighbour shows it, only the blur of the end frame
does."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np

from gvd_jax.method.programs import brief_jit
from gvd_jax.method.reach import frame_reach
from gvd_jax.model.axes import change_held
from gvd_jax.model.observation import Observation
from gvd_jax.model.terms import Residual
from gvd_jax.model.unknowns import Unknown, Unknowns
from gvd_jax.ops.filters import correlate_both
from gvd_jax.ops.sampling import pixel_grid, sample
from gvd_jax.ops.warp import neighbour_exists, neighbour_index
from gvd_jax.shapes import Array, Continues, Float, Flow
from gvd_jax.trees import replace

# Parts of the fastest motion of the frame: [49, 2] around the given acceleration, then [9, 2] around the best of those.
GRID = np.array(list(itertools.product(np.linspace(-1, 1, 7), repeat=2)))
FINER_GRID = np.array(list(itertools.product(np.linspace(-1, 1, 3), repeat=2))) / 9
WINDOW = np.full(25, 1 / 25)  # pixels on each side over which a choice is made
SHARE = 0.1  # of the frame's mean in the cost of a window: what has no texture goes with the rest


@brief_jit
def extrapolate_ends(flow: Flow, continues: Continues) -> Flow:
    """The ends of a shot keep the acceleration of the frame next to them; two frames know none, one does not move.

    u_b(x) = a(x + u_f) - u_f and u_f(x) = a(x + u_b) - u_b with a = u_f + u_b of the neighbour.
    """
    frames, _, height, width, _ = flow.shape
    exists = neighbour_exists(continues, (1, -1))
    flow = jnp.where(exists[:, :, None, None, None], flow, 0)
    known = flow.sum(1)  # of an end, which has one
    inner = exists.all(1)
    acceleration = jnp.where(inner[:, None, None, None], known, 0)
    y, x = pixel_grid(height, width, flow.dtype)
    next_to = jnp.where(exists[:, 0], neighbour_index(frames, 1), neighbour_index(frames, -1))
    there = sample(acceleration, next_to, y[None] + known[..., 1], x[None] + known[..., 0])
    return accelerate_ends(flow, there, continues)


@brief_jit
def accelerate_ends(flow: Flow, acceleration: Float[Array, "T H W 2"], continues: Continues) -> Flow:
    """Give the first and the last frame of every shot the `acceleration` of that frame."""
    exists = neighbour_exists(continues, (1, -1))[:, :, None, None, None]
    missing = (exists[:, ::-1] & ~exists).astype(flow.dtype)
    return (1 - missing) * flow + missing * (acceleration[:, None] - flow[:, ::-1])


def search_ends(
    unknowns: Unknowns, declared: tuple[Unknown, ...], observation: Observation, residual: Residual
) -> Flow:
    """The flow with the acceleration of the ends, of a grid around the given one, that explains their blur best.

    Chosen per pixel by the squares of `residual`, that of the data term, over a window around it. The latent frames of
    the ends should owe more to their neighbours than to their own blur, or they explain every acceleration alike.
    """
    exists = neighbour_exists(observation.continues, (1, -1))
    is_end = exists[:, 0] != exists[:, 1]
    there = [unknown for unknown in declared if unknown.name in unknowns]

    def search(frame: Array) -> Float[Array, "H W 2"]:
        def only(x: Array, axes: str) -> Array:
            return x[frame][None] if axes.split()[:1] == ["T"] else x

        seen = change_held(observation, lambda how, x: only(x, how.axes))
        own = Unknowns(**{unknown.name: only(unknowns[unknown.name], unknown.axes) for unknown in there})
        given, (forward, backward) = own.flow.sum(1), exists[frame]
        known = jnp.where(forward, own.flow[:, :1], own.flow[:, 1:])
        fastest = jnp.maximum(frame_reach(known, jnp.ones(1, given.dtype))[0], 1.0)

        def cost(acceleration):
            moved = jnp.stack(
                [
                    jnp.where(forward, own.flow[:, 0], acceleration - own.flow[:, 1]),
                    jnp.where(backward, own.flow[:, 1], acceleration - own.flow[:, 0]),
                ],
                1,
            )
            terms = residual(replace(own, flow=moved), seen)
            error = jnp.stack([jnp.square(r) for r in jax.tree.leaves(terms)]).sum(0)
            window = correlate_both(error, WINDOW)
            return window + SHARE * error.mean((1, 2), keepdims=True)

        def best(around, grid):
            offsets = fastest * jnp.asarray(grid, given.dtype)  # [places, 2]
            costs = jax.lax.map(lambda offset: cost(around + offset[None, None, None]), offsets)
            return around + offsets[jnp.argmin(costs, axis=0)]

        return best(best(given, GRID), FINER_GRID)[0]

    found = jax.lax.map(
        lambda k: jax.lax.cond(is_end[k], search, lambda k: unknowns.flow[k].sum(0), k), jnp.arange(len(is_end))
    )
    return accelerate_ends(unknowns.flow, found, observation.continues)
