"""The duty cycle once more, when the shake is known."""

import jax.numpy as jnp

from gvd_jax.method.duty_cycle import find_duty_cycle
from gvd_jax.method.problem import Info, Problem, State
from gvd_jax.ops.affine_field import affine_field
from gvd_jax.shapes import Flow
from gvd_jax.trees import pytree, replace, static

DUTY_CYCLE_ERROR = "duty cycle error"


@pytree
class FindDutyCycle:
    """Find the duty cycle of the clip: along the motion within each exposure, which is that of the flow and the shake,
    frames agree on it that do not along the flow alone.

    A duty cycle that was given is no unknown, and stays; so does one that another stage solves for from a start.
    """

    unknown: str = static(default="duty_cycle")
    name: str = static(default="duty cycle")
    cost: float = static(default=0.2)

    def run(self, state: State, problem: Problem) -> tuple[State, Info]:
        """The state with another duty cycle, the same for all frames."""
        found = any(unknown.name == self.unknown and unknown.start is None for unknown in problem.unknowns)
        if not found or self.unknown not in state.unknowns:
            return state, Info({})
        again = find_duty_cycle(problem.frames, within_exposure(state), problem.blur.motion.path)
        tau = jnp.full_like(state.unknowns[self.unknown], again.duty_cycle)
        state = replace(state, unknowns=replace(state.unknowns, **{self.unknown: tau}))
        return state, Info({}, measured={DUTY_CYCLE_ERROR: again.uncertainty})


def within_exposure(state: State) -> Flow:
    """The flow, with the velocity of the shake in the middle of the exposure."""
    flow = state.unknowns.flow
    if "shake" not in state.unknowns:
        return flow
    velocity = affine_field(state.unknowns.shake, *flow.shape[2:4])
    return flow + jnp.stack([velocity, -velocity], 1)
