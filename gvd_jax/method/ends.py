"""The motion before the first and after the last frame: no neighbour shows it, only the blur of the end frame does."""

import itertools

import jax
import jax.numpy as jnp
import numpy as np

from gvd_jax.method.reach import frame_reach
from gvd_jax.model.axes import change_held
from gvd_jax.model.observation import Observation
from gvd_jax.model.terms import Residual
from gvd_jax.model.unknowns import Unknown, Unknowns
from gvd_jax.ops.filters import correlate_both
from gvd_jax.ops.sampling import pixel_grid, sample
from gvd_jax.shapes import Flow
from gvd_jax.trees import replace

# Parts of the fastest motion of the frame: [49, 2] around the given acceleration, then [9, 2] around the best of those.
GRID = np.array(list(itertools.product(np.linspace(-1, 1, 7), repeat=2)))
FINER_GRID = np.array(list(itertools.product(np.linspace(-1, 1, 3), repeat=2))) / 9
WINDOW = np.full(25, 1 / 25)  # pixels on each side over which a choice is made
SHARE = 0.1  # of the frame's mean in the cost of a window: what has no texture goes with the rest


@jax.jit
def extrapolate_ends(flow: Flow) -> Flow:
    """The ends keep the acceleration of the frame next to them; two frames know none.

    u_b(x) = a(x + u_f) - u_f and u_f(x) = a(x + u_b) - u_b with a = u_f + u_b of the neighbour.
    """
    flow = flow.at[0, 1].set(0).at[-1, 0].set(0)
    if flow.shape[0] < 3:
        return flow.at[0, 1].set(-flow[0, 0]).at[-1, 0].set(-flow[-1, 1])
    acceleration = flow[:, 0] + flow[:, 1]
    known = jnp.stack([flow[0, 0], flow[-1, 1]])
    _, _, height, width, _ = flow.shape
    y, x = pixel_grid(height, width, flow.dtype)
    next_to = jnp.array([1, flow.shape[0] - 2], jnp.int32)
    return accelerate_ends(flow, sample(acceleration, next_to, y[None] + known[..., 1], x[None] + known[..., 0]))


def accelerate_ends(flow: Flow, acceleration: jax.Array) -> Flow:
    """Give the ends the `acceleration` [2, H, W, 2], that of the first and of the last frame."""
    return flow.at[0, 1].set(acceleration[0] - flow[0, 0]).at[-1, 0].set(acceleration[1] - flow[-1, 1])


def search_ends(
    unknowns: Unknowns, declared: tuple[Unknown, ...], observation: Observation, residual: Residual
) -> Flow:
    """The flow with the acceleration of the ends, of a grid around the given one, that explains their blur best.

    Chosen per pixel by the squares of `residual`, that of the data term, over a window around it. The latent frames of
    the ends should owe more to their neighbours than to their own blur, or they explain every acceleration alike.
    """
    ends = jnp.array([0, -1])
    flow = unknowns.flow
    known = jnp.stack([flow[0, 0], flow[-1, 1]])
    fastest = jnp.maximum(frame_reach(known[:, None], jnp.ones(2, flow.dtype)), 1.0)[:, None]

    def of_ends(x, axes):
        return x[ends] if axes.split()[:1] == ["T"] else x

    observation = change_held(observation, lambda how, x: of_ends(x, how.axes))
    there = [unknown for unknown in declared if unknown.name in unknowns]
    others = Unknowns(**{unknown.name: of_ends(unknowns[unknown.name], unknown.axes) for unknown in there})

    def cost(acceleration):
        moved = accelerate_ends(flow, acceleration)
        terms = residual(replace(others, flow=moved[ends]), observation)
        error = jnp.stack([jnp.square(r) for r in jax.tree.leaves(terms)]).sum(0)
        window = correlate_both(error, WINDOW)
        return window + SHARE * error.mean((1, 2), keepdims=True)

    def best(around, grid):
        offsets = fastest[None] * jnp.asarray(grid, flow.dtype)[:, None]  # [places, 2, 2]: of either end
        costs = jax.lax.map(lambda offset: cost(around + offset[:, None, None]), offsets)
        least = jnp.argmin(costs, axis=0)
        return around + jnp.stack([offsets[least[end], end] for end in (0, 1)])

    return accelerate_ends(flow, best(best(flow[ends].sum(1), GRID), FINER_GRID))
