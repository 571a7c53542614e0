"""What a user's stages and blur operators promise, checked as they run: one line says which of them broke what."""

from typing import Any

import jax

from gvd_jax.errors import InputError, first_line
from gvd_jax.method.problem import Info, Problem, Shape, Stage, State, observed
from gvd_jax.model.axes import shape_of


def check_stage(stage: Any) -> None:
    """Raise `InputError` for what cannot be part of a schedule."""
    if not isinstance(stage, Stage) or isinstance(stage, type):
        raise InputError(
            f"{stage!r} is no stage: give an instance of a class with a name, a cost and run(state, problem)"
        )
    if jax.tree_util.all_leaves((stage,)):
        raise InputError(f"the stage {stage.name!r} is of a class that is not declared with pytree")


def check_ended(stage: Stage, ended: Any, problem: Problem, shape: Shape) -> tuple[State, Info]:
    """What a stage returned for a level of that shape. Raises `InputError` unless the next one can go on from it."""
    if not (isinstance(ended, tuple) and tuple(map(type, ended)) == (State, Info)):
        raise InputError(
            f"the stage {stage.name!r} must return (state, info), a State and an Info: it gave {ended!r:.80}"
        )
    state, info = ended
    declared, frames = {unknown.name: unknown for unknown in problem.unknowns}, problem.frames
    for name in state.unknowns:
        if name not in declared:
            raise InputError(f"the stage {stage.name!r} gives an unknown {name!r}, which the settings do not declare")
        value, axes = state.unknowns[name], declared[name].axes.split()
        sizes = shape_of(declared[name].axes, len(frames), *shape)
        expected = [None if axis == "C" else size for axis, size in zip(axes, sizes, strict=True)]
        if value.ndim != len(axes) or any(n not in (m, None) for m, n in zip(value.shape, expected, strict=True)):
            there = ", ".join("C" if n is None else str(n) for n in expected)
            raise InputError(
                f"the stage {stage.name!r} gives {name} of shape {value.shape}; on this level it is [{there}]"
            )
        if value.dtype != frames.dtype:
            raise InputError(f"the stage {stage.name!r} gives {name} in {value.dtype}; give {frames.dtype}")
    return state, info


def check_blur(problem: Problem, state: State) -> None:
    """Raise `InputError` unless every operator keeps the shape of the image [T, H, W, C] and is linear in it."""
    # Shapes tell it: nothing is computed.
    observation = jax.eval_shape(observed, problem, state)
    image, unknowns = state.unknowns.latent, state.unknowns
    for operator in observation.blur.operators:
        what = f"the blur operator {type(operator).__name__}"

        def transposed(image: Any, unknowns: Any, observation: Any, y: Any, operator: Any = operator) -> Any:
            return jax.linear_transpose(lambda x: operator(x, unknowns, observation), image)(y)

        try:
            found = jax.eval_shape(operator, image, unknowns, observation)
        except InputError as error:
            raise InputError(f"{what}: {error}") from error
        except Exception as error:  # whatever the code of a user raises
            raise InputError(f"{what} fails for an image of shape {image.shape}: {first_line(error)}") from error
        if getattr(found, "shape", None) != image.shape or found.dtype != image.dtype:
            raise InputError(
                f"{what} must keep the shape and type of the image, {image.shape} {image.dtype}: it gives {found}"
            )
        try:
            jax.eval_shape(transposed, image, unknowns, observation, found)
        except Exception as error:  # JAX raises whatever the first operation that is not linear happens to raise
            raise InputError(f"{what} is not linear in the image, as a blur is") from error
