"""The duty cycle once more, when the shake is known."""

import numpy as np

from gvd_jax.method.duty_cycle import find_shutters
from gvd_jax.method.problem import Info, Problem, State, finds_duty_cycle
from gvd_jax.method.programs import brief_jit
from gvd_jax.model.blur import flow_within_exposure
from gvd_jax.ops.platform import placed
from gvd_jax.trees import pytree, replace, static

DUTY_CYCLE_ERROR = "duty cycle error"

_flow_within_exposure = brief_jit(flow_within_exposure)


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
        """The state with another duty cycle, the same for all frames of a shot."""
        if not finds_duty_cycle(problem) or self.unknown not in state.unknowns:
            return state, Info({})
        again, tau = find_shutters(
            problem.frames, _flow_within_exposure(state.unknowns), problem.blur.motion.path, problem.continues
        )
        if not again.told:  # without the shake less may move
            return state, Info({})
        # A shot that is sharp stays so, whatever its shake was taken for, and one that is blurred too.
        before, after = np.asarray(state.unknowns[self.unknown]), np.asarray(tau)
        tau = placed(np.where((before > 0) & (after > 0), after, before))
        state = replace(state, unknowns=replace(state.unknowns, **{self.unknown: tau}))
        return state, Info({}, measured={DUTY_CYCLE_ERROR: again.uncertainty})
