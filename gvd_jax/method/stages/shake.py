"""The shake of the camera within each exposure, faster than frames can show.

The flow to both neighbours gives the mean velocity over two intervals, and a hand that shakes at half the frame rate
averages out of it: then the blur is longer than the flow says in one frame, and shorter in the next. The blur shows it,
but not in a frame that was restored under the wrong velocity, which explains its own blur all the same. Those of its
neighbours, seen through the flow, do not know of that blur.
"""

import jax
import jax.numpy as jnp

from gvd_jax.method.believe import Confirmed
from gvd_jax.method.problem import Info, Problem, State, energies, observed
from gvd_jax.method.programs import brief_jit
from gvd_jax.model.observation import Observation
from gvd_jax.model.terms import Residual, data_residual
from gvd_jax.model.unknowns import Unknowns
from gvd_jax.ops.affine_field import affine_field
from gvd_jax.ops.differences import laplacian
from gvd_jax.ops.warp import neighbour_exists, warp
from gvd_jax.shapes import Array, Float, Flow, Frames, Scalar, Visibility
from gvd_jax.trees import code, pytree, replace, static

HIDDEN = 1e-3  # of the share of a neighbour that sees a pixel: where neither does they count alike
STEPS = 3
FARTHEST = 1.0  # hundredths of the width, per step: a linear model holds for a few pixels
OUTLIER = 0.01  # display values: a residual beyond it counts by its size, not its square
RIDGE = 0.01  # of the curvature: what the blur does not show is 0
SHAKE_PIXELS = "shake px"
EVERY = 2  # rows and columns: a sample says as much as all


def seen_by_neighbours(latent: Frames, flow: Flow, visibility: Visibility) -> tuple[Frames, Float[Array, "T H W 1"]]:
    """Every frame [T, H, W, C] as the two next to it show it, the mean of those that do.

    And how much of its `laplacian` such reads between pixels add to it: half the variance by which one softens along an
    axis, f (1 - f) for a fraction f of a pixel, the mean of both axes.
    """
    exists = visibility[:, :2].max((2, 3), keepdims=True) > 0
    share = jnp.where(exists, visibility[:, :2] + HIDDEN, 0)[..., None]
    fraction = flow - jnp.floor(flow)
    softened = (fraction * (1 - fraction) / 2).mean(-1, keepdims=True)
    total = jnp.maximum(share.sum(1), HIDDEN)
    return (share * warp(latent, flow, 1)).sum(1) / total, (share * softened).sum(1) / total


def find_shake(unknowns: Unknowns, observation: Observation, residual: Residual) -> Float[Array, "T 2 3"]:
    """The shake under which frames explain the blurry ones best that are seen in their neighbours.

    Such frames have been read between pixels, which softens them, and would ask for less blur: the blurry ones are
    softened alike. Gauss-Newton steps; a frame that is no better explained keeps its shake. The mean over the frames
    is taken off: the camera gets as far as the flow says, so that a shake which stays the same is a mistake, as of an
    object that does not move with the rest. Not so of the first and the last frame of a shot, whose flow on one side is
    a guess. A frame that stands alone has none.
    """
    shake, blurry, flow = unknowns.shake, observation.blurry, unknowns.flow
    shown, softened_by = seen_by_neighbours(unknowns.latent, flow, observation.visibility)
    others = replace(unknowns, latent=shown)
    softened = replace(observation, blurry=blurry + softened_by * laplacian(blurry))

    def residuals(x: Float[Array, "T 6"]) -> Float[Array, "R T h w"]:
        parts = residual(replace(others, shake=x.reshape(shake.shape)), softened)
        return jnp.stack(jax.tree.leaves(parts))[:, :, ::EVERY, ::EVERY]

    def costs(x):
        return jnp.sqrt(jnp.square(residuals(x)) + OUTLIER**2).sum((0, 2, 3))

    start = shake.reshape(len(shake), -1)
    units = jnp.eye(start.shape[1], dtype=blurry.dtype)

    def step(x, _):
        error = residuals(x)
        slopes = jax.lax.map(lambda unit: jax.jvp(residuals, (x,), (jnp.broadcast_to(unit, x.shape),))[1], units)
        weight = jax.lax.rsqrt(jnp.square(error) + OUTLIER**2)
        matrix = jnp.einsum("krthw,rthw,mrthw->tkm", slopes, weight, slopes)
        slope = jnp.einsum("krthw,rthw,rthw->tk", slopes, weight, error)
        scale = jnp.diagonal(matrix, axis1=1, axis2=2) + jnp.finfo(x.dtype).tiny ** 0.5
        root = jnp.sqrt(scale)
        scaled = matrix / (root[:, :, None] * root[:, None]) + RIDGE * units[None]
        change = jnp.linalg.solve(scaled, (slope / root + RIDGE * root * x)[..., None])[..., 0] / root
        return x - jnp.clip(change, -FARTHEST, FARTHEST), None

    found, _ = jax.lax.scan(step, start, None, length=STEPS)
    before, after = jax.lax.map(costs, jnp.stack([start, found]))
    better = jnp.where((after < before)[:, None], found, start).reshape(shake.shape)
    exists = neighbour_exists(observation.continues, (1, -1))
    inner, alone = exists.all(1)[:, None, None], ~exists.any(1)[:, None, None]
    better = jnp.where(alone, shake, better)
    mean = jnp.where(inner, better, 0).sum(0)[None] / len(shake)
    return jnp.where(inner, better - mean, better)


@pytree
class FindShake:
    """Find the shake: `find_shake` by `residual`; `believe` says how far neighbours and pixels are believed."""

    believe: Confirmed
    residual: Residual = code(default=data_residual)
    unknown: str = static(default="shake")
    name: str = static(default="shake")
    cost: float = static(default=0.5)

    def run(self, state: State, problem: Problem) -> tuple[State, Info]:
        """The state with another shake."""
        shake, pixels = _find_shake(self, state, problem)
        state = replace(state, unknowns=replace(state.unknowns, shake=shake))
        return state, Info(energies(problem, state), measured={SHAKE_PIXELS: pixels})


@brief_jit
def _find_shake(stage: FindShake, state: State, problem: Problem) -> tuple[Float[Array, "T 2 3"], Scalar]:
    """The shake, and how many pixels of this level that is on average."""
    observation = stage.believe(state.unknowns, observed(problem, state))
    shake = find_shake(state.unknowns, observation, stage.residual)
    return shake, jnp.abs(affine_field(shake, *state.shape)).mean()
