"""The shake of the camera within each exposure, faster than frames can show.

The flow to both neighbours gives the mean velocity over two intervals, and a hand that shakes at half the frame rate
averages out of it: then the blur is longer than the flow says in one frame, and shorter in the next.
"""

import jax
import jax.numpy as jnp

from gvd_jax.method.affine_fit import fit_affine
from gvd_jax.method.believe import Confirmed
from gvd_jax.method.neighbours_view import as_neighbours_show
from gvd_jax.method.problem import Info, Problem, State, energies, observed
from gvd_jax.method.programs import brief_jit
from gvd_jax.model.observation import Observation
from gvd_jax.model.terms import Residual, data_residual
from gvd_jax.model.unknowns import Unknowns
from gvd_jax.ops.affine_field import affine_field
from gvd_jax.ops.warp import neighbour_exists
from gvd_jax.shapes import Array, Float, Scalar
from gvd_jax.trees import code, pytree, replace, static

STEPS = 3
SHAKE_PIXELS = "shake px"


def find_shake(unknowns: Unknowns, observation: Observation, residual: Residual) -> Float[Array, "T 2 3"]:
    """The shake under which frames explain the blurry ones best that are seen in their neighbours.

    The best of a few Gauss-Newton steps; a frame that none explains better keeps its shake. The mean over the frames is
    taken off: the camera gets as far as the flow says, so that a shake which stays the same is a mistake, as of an
    object that does not move with the rest. Not so of the first and the last frame of a shot, whose flow on one side is
    a guess. A frame that stands alone has none.
    """
    shake = unknowns.shake
    others, observation = as_neighbours_show(unknowns, observation)

    def residuals(x: Float[Array, "T 2 3"]) -> Float[Array, "R T H W"]:
        return jnp.stack(jax.tree.leaves(residual(replace(others, shake=x), observation)))

    better, _ = fit_affine(residuals, shake, STEPS)
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
