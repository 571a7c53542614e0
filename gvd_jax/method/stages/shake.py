"""The shake of the camera within each exposure, faster than frames can show.

The flow to both neighbours gives the mean velocity over two intervals, and a hand that shakes at half the frame rate
averages out of it: then blur is longer than the flow says in one frame and shorter in the next. The blur shows it, but
not to the frames that were restored under the wrong velocity: these explain their own blur all the same. Those of the
neighbours, seen through the flow, are sharp where this frame is not.
"""

import jax
import jax.numpy as jnp

from gvd_jax.method.believe import Confirmed
from gvd_jax.method.problem import Info, Problem, State, energies, observed
from gvd_jax.method.stages.solve import solve_block, terms_of
from gvd_jax.model.observation import Observation
from gvd_jax.model.unknowns import Unknowns
from gvd_jax.ops.affine_field import affine_field, fit_affine
from gvd_jax.ops.warp import warp
from gvd_jax.shapes import Array, Float, Flow, Frames, Visibility
from gvd_jax.solve.blocks import SHAKE_BLOCK, Block
from gvd_jax.solve.subproblem import BlockOptions
from gvd_jax.trees import pytree, replace, static

HIDDEN = 1e-3  # of the share of a neighbour that sees a pixel: where neither does they count alike


def seen_by_neighbours(latent: Frames, flow: Flow, visibility: Visibility) -> Frames:
    """Every frame [T, H, W, C] as the two next to it show it, the mean of those that do."""
    exists = visibility[:, :2].max((2, 3), keepdims=True) > 0
    share = jnp.where(exists, visibility[:, :2] + HIDDEN, 0)[..., None]
    return (share * warp(latent, flow, 1)).sum(1) / jnp.maximum(share.sum(1), HIDDEN)


def balanced(shake: Float[Array, "T 2 3"], flow: Flow) -> Float[Array, "T 2 3"]:
    """Without what makes all blur longer or shorter in one proportion: that is the duty cycle's to say, and frames that
    two flows have smoothed ask for less of it."""
    velocity = (flow[:, 0] - flow[:, 1]) / 2
    along = (affine_field(shake, *velocity.shape[1:3]) * velocity).sum()
    return shake - along / jnp.maximum(jnp.square(velocity).sum(), 1e-6) * fit_affine(velocity)


@pytree
class FindShake:
    """Solve for the shake, by the frames that the neighbours show; `believe` says how far they are believed."""

    believe: Confirmed
    options: BlockOptions
    block: Block = SHAKE_BLOCK
    name: str = static(default="shake")
    cost: float = static(default=0.5)

    @property
    def unknown(self) -> str:
        """What it solves for."""
        return self.block.unknown.name

    def run(self, state: State, problem: Problem) -> tuple[State, Info]:
        """The state with another shake."""
        unknowns, observation = _seen(self.believe, problem, state)
        terms = terms_of(self.block, problem, state.shape)
        solution, info = solve_block(self.block, terms, unknowns, observation, self.options)
        shake = _balanced(solution, unknowns.flow)
        state = replace(state, unknowns=replace(state.unknowns, **{self.unknown: shake}))
        return state, Info(energies(problem, state), info)


@jax.jit
def _seen(believe: Confirmed, problem: Problem, state: State) -> tuple[Unknowns, Observation]:
    observation = believe(state.unknowns, observed(problem, state))
    others = seen_by_neighbours(state.unknowns.latent, state.unknowns.flow, observation.visibility)
    return replace(state.unknowns, latent=others), observation


_balanced = jax.jit(balanced)
