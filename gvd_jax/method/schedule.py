"""The order of the method: a tuple of stages, some of them on the levels of a pyramid."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gvd_jax.errors import InputError
from gvd_jax.method.problem import Shape, Stage
from gvd_jax.trees import pytree, static


@pytree
class Level:
    """Stages on frames of a part of the size, which is left out where the smaller side would be below `smallest`."""

    stages: tuple[Stage, ...]
    scale: float = static(default=1.0)
    smallest: int = static(default=16)

    def shape(self, size: Shape) -> Shape | None:
        """(H, W) for frames of a size; None if it is left out."""
        shape = round(self.scale * size[0]), round(self.scale * size[1])
        return None if self.scale < 1 and min(shape) < self.smallest else shape


Schedule = tuple[Stage | Level, ...]


@dataclass(frozen=True)
class Planned:
    """A stage on a level, 0 the coarsest, of `shape` (H, W), and its share of the cost of one pixel at full size."""

    stage: Stage
    level: int
    shape: Shape
    cost: float


def plan(schedule: Schedule, size: Shape) -> list[Planned]:
    """All stages for frames of a `size` (H, W), in their order; what stands outside of levels is at full size.

    Raises `InputError` for fewer than two, for one gives a flow and another restores frames, and if a level is first.
    """
    if schedule and isinstance(schedule[0], Level):
        raise InputError("the schedule begins with a level: begin it with StartFlow() or GivenFlow(flow)")
    planned, level = [], -1
    for entry in schedule:
        shape = entry.shape(size) if isinstance(entry, Level) else size
        if shape is None:
            continue
        level = level + 1 if isinstance(entry, Level) else level
        stages = entry.stages if isinstance(entry, Level) else (entry,)
        area = shape[0] * shape[1] / (size[0] * size[1])
        planned += [Planned(stage, max(level, 0), shape, stage.cost * area) for stage in stages]
    if len(planned) < 2:
        names = ", ".join(repr(own.stage.name) for own in planned) or "no stage"
        raise InputError(f"a schedule takes a stage that gives a flow and one that restores frames: here is {names}")
    return planned


def change_stages(schedule: Schedule, change: Callable[[Stage], Sequence[Stage]]) -> Schedule:
    """The schedule with every stage replaced by those that `change` gives for it, also within levels."""
    changed: list[Stage | Level] = []
    for entry in schedule:
        if isinstance(entry, Level):
            stages = tuple(new for stage in entry.stages for new in change(stage))
            changed.append(Level(stages, entry.scale, entry.smallest))
        else:
            changed.extend(change(entry))
    return tuple(changed)


def stages_of(schedule: Schedule) -> list[Stage]:
    """All stages, in their order."""
    return [stage for entry in schedule for stage in (entry.stages if isinstance(entry, Level) else (entry,))]
