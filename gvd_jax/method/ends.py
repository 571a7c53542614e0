"""The motion before the first and after the last frame of a shot: no neighbour shows it, only the blur of the end frame
does.

It is mostly that of the camera, which all pixels have in common: a field that is affine over the frame is searched for
first, then what deviates from it. And it is searched in the end frame as its neighbour shows it.
"""

import itertools
from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np

from gvd_jax.method.affine_fit import fit_affine, misfit
from gvd_jax.method.neighbours_view import as_neighbours_show
from gvd_jax.method.programs import brief_jit
from gvd_jax.method.reach import frame_reach
from gvd_jax.model.axes import change_held
from gvd_jax.model.observation import Observation
from gvd_jax.model.terms import Residual
from gvd_jax.model.unknowns import Unknown, Unknowns
from gvd_jax.ops.affine_field import UNIT, affine_field
from gvd_jax.ops.filters import box_mean
from gvd_jax.ops.sampling import pixel_grid, sample
from gvd_jax.ops.warp import neighbour_exists, neighbour_index
from gvd_jax.shapes import Array, Continues, Float, Flow, Scalar
from gvd_jax.trees import replace

# Parts of the fastest motion of the frame: its accelerations, and how far pixels deviate from them, none first; then
# those around the best deviation.
GRID = np.array(list(itertools.product(np.linspace(-1, 1, 9), repeat=2)))
FINER_GRID = np.array(list(itertools.product(np.linspace(-1, 1, 3), repeat=2))) / 12
PLACES, FINER = np.concatenate([np.zeros((1, 2)), GRID, FINER_GRID]), 1 + len(GRID)  # the number of the first finer one
WINDOW = 25  # pixels on each side over which a choice is made
SHARE = 0.3  # of the frame's mean in the cost of a window: what has no texture goes with the rest
MARGIN = 0.2  # by how much less the cost must be: the rest of a misfit is not all of the motion
REFINED, STEPS = 3, 5  # the best accelerations of the frame, each in so many steps

Errors = Callable[[Float[Array, "1 H W 2"]], Float[Array, "R 1 H W"]]  # of a frame under an acceleration


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
    """The flow with the acceleration of the ends that explains their blur best, in what their neighbours show of them.

    `residual` is that of the data term. First that of the whole frame, the best of a grid, made an affine field; then
    per pixel, where another of a grid fits much better over a window.
    """
    exists = neighbour_exists(observation.continues, (1, -1))
    is_end = exists[:, 0] != exists[:, 1]
    there = [unknown for unknown in declared if unknown.name in unknowns]
    shown, softened = as_neighbours_show(unknowns, observation)

    def search(frame: Array) -> Float[Array, "H W 2"]:
        def only(x: Array, axes: str) -> Array:
            return x[frame][None] if axes.split()[:1] == ["T"] else x

        seen = change_held(softened, lambda how, x: only(x, how.axes))
        own = Unknowns(**{unknown.name: only(shown[unknown.name], unknown.axes) for unknown in there})
        flow, (forward, backward) = own.flow, exists[frame]
        known = jnp.where(forward, flow[:, :1], flow[:, 1:])
        fastest = jnp.maximum(frame_reach(known, jnp.ones(1, flow.dtype))[0], 1.0)

        def errors(acceleration: Float[Array, "1 H W 2"]) -> Float[Array, "R 1 H W"]:
            towards = (
                jnp.where(forward, flow[:, 0], acceleration - flow[:, 1]),
                jnp.where(backward, flow[:, 1], acceleration - flow[:, 0]),
            )
            return jnp.stack(jax.tree.leaves(residual(replace(own, flow=jnp.stack(towards, 1)), seen)))

        return _of_pixels(errors, _of_frame(errors, flow.sum(1), fastest), fastest)[0]

    found = jax.lax.map(
        lambda k: jax.lax.cond(is_end[k], search, lambda k: unknowns.flow[k].sum(0), k), jnp.arange(len(is_end))
    )
    return accelerate_ends(unknowns.flow, found, observation.continues)


def _of_frame(errors: Errors, given: Float[Array, "1 H W 2"], fastest: Scalar) -> Float[Array, "1 H W 2"]:
    """The affine acceleration of least `misfit`, from the best of a grid and from the usual one of those that are
    `given`."""
    _, height, width, _ = given.shape

    def residuals(numbers):
        return errors(affine_field(numbers, height, width))

    places = jnp.concatenate([fastest * jnp.asarray(GRID, given.dtype), jnp.median(given, (1, 2))])
    even = (places / (UNIT * width))[:, None, :, None]
    starts = jnp.pad(even, ((0, 0), (0, 0), (0, 0), (0, 2)))  # [places, 1, 2, 3]
    costs = jax.lax.map(lambda start: misfit(residuals(start))[0], starts)
    best = starts[jnp.argsort(costs)[:REFINED]]
    refined, costs = jax.lax.map(lambda start: fit_affine(residuals, start, STEPS), best)
    return affine_field(refined[jnp.argmin(costs)], height, width)


def _of_pixels(errors: Errors, around: Float[Array, "1 H W 2"], fastest: Scalar) -> Float[Array, "1 H W 2"]:
    """The acceleration of every pixel that fits best over a window; the given one where none fits much better."""

    def cost(acceleration):
        error = jnp.square(errors(acceleration)).sum(0)
        return box_mean(error, WINDOW) + SHARE * error.mean((1, 2), keepdims=True)

    def attempt(state, trial):
        number, place = trial
        usual, least, chosen, middle = state
        middle = jnp.where(number == FINER, chosen, middle)
        acceleration = middle + fastest * place[None, None, None]
        own = cost(acceleration)
        usual, better = jnp.where(number == 0, own, usual), own < least
        return (usual, jnp.minimum(own, least), jnp.where(better[..., None], acceleration, chosen), middle), None

    # One loop for the usual one and both grids, for residuals are large to compile.
    unknown = jnp.full(around.shape[:3], jnp.inf, around.dtype)
    trials = jnp.arange(len(PLACES)), jnp.asarray(PLACES, around.dtype)
    (usual, least, chosen, _), _ = jax.lax.scan(attempt, (unknown, unknown, around, around), trials)
    return jnp.where((least < (1 - MARGIN) * usual)[..., None], chosen, around)
