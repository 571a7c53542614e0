"""What a running deblurring tells a human: consumed by progress bars, reports and logs, never by the solver."""

import dataclasses
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import jax

from gvd_jax.clock import Clock


@dataclasses.dataclass(frozen=True)
class Progress:
    """One finished step of the method.

    `fraction` is the share of all the work done so far, in [0, 1], and `compiling` that of the seconds which went into
    compiling programs; `energy` is the weighted value of each term after the step, one function of the unknowns for all
    steps of a level; `unknowns` the current `Unknowns` of this level (None while there is only a start flow); `info`
    the `BlockInfo` of a step that solved a subproblem, as NumPy arrays, in colour with an axis of channels in front,
    and `status` its result code, a `Status`; `measured` are numbers that the stage has measured, by names that say
    their units.
    """

    stage: str  # the name of the stage
    level: int  # 0 is the coarsest
    levels: int
    shape: tuple[int, int]  # (H, W) of this level
    fraction: float
    seconds: float  # since the start
    energy: dict[str, float]
    unknowns: Any = None
    info: Any = None
    part: str = ""  # of a long clip, for a human
    compiling: float = 0.0
    status: Any = None
    measured: dict[str, float] = dataclasses.field(default_factory=dict)

    @property
    def left(self) -> float:
        """Seconds that the rest takes at the mean speed so far, without compiling."""
        return self.seconds * (1 - self.compiling) * (1 / max(self.fraction, 1e-3) - 1)


def stage_seconds(histories: Iterable[Sequence[Progress]]) -> dict[str, float]:
    """Seconds spent on each stage of each level, in the order in which they first ran; of each part of a clip there is
    a history."""
    spent: dict[str, float] = {}
    for history in histories:
        before = 0.0
        for progress in history:
            height, width = progress.shape
            name = f"{progress.stage}, level {progress.level + 1} of {progress.levels} ({width}x{height})"
            spent[name] = spent.get(name, 0.0) + progress.seconds - before
            before = progress.seconds
    return spent


Hook = Callable[[Progress], None]


class Recorder:
    """Turns stages into `Progress`, hands it to the hooks and keeps the history."""

    def __init__(self, hooks: Sequence[Hook], total: float):
        self.hooks, self.total, self.done = hooks, total, 0.0
        self.clock, self.history = Clock(), []

    def add(self, step: Progress, cost: float) -> None:
        """Record a step that took that part of the total cost; its fraction and seconds are filled in."""
        self.done += cost
        jax.block_until_ready(step.unknowns)  # a step is done when its numbers are there, not when it is queued
        seconds, compiling = self.clock.read()
        fraction = min(self.done / self.total, 1.0)
        step = dataclasses.replace(step, fraction=fraction, seconds=seconds, compiling=compiling)
        self.history.append(dataclasses.replace(step, unknowns=None))
        for hook in self.hooks:
            hook(step)
