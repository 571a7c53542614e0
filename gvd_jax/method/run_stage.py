"""A stage on its level, and what programs all of them will take."""

from contextlib import suppress

import jax

from gvd_jax.method.problem import Info, Problem, State, first_state, on_level, to_level
from gvd_jax.method.promises import check_ended
from gvd_jax.method.schedule import Planned


def run_stage(planned: Planned, state: State, problem: Problem) -> tuple[State, Info]:
    """One stage on its level."""
    if state.shape != planned.shape:
        state = to_level(problem, state, planned.shape)
    ended = on_level(planned.stage, planned.shape).run(state, problem)
    return check_ended(planned.stage, ended, problem, planned.shape)


def foresee(stages: tuple[Planned, ...], problem: Problem, state: State) -> State:
    """All stages but the first, as `restore` goes through them if none finds an unknown, as of a clip in focus. A stage
    that looks at values is left out."""
    state = first_state(problem, state, stages[0].shape)
    for planned in stages:
        with suppress(jax.errors.JAXTypeError):
            after, _ = run_stage(planned, state, problem)
            state = after if set(after.unknowns) == set(state.unknowns) else state
    return state
