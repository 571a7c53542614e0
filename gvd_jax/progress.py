"""What a running deblurring tells a human: consumed by progress bars, reports and logs, never by the solver."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from typing import Any

import jax
import numpy as np


@dataclasses.dataclass(frozen=True)
class Progress:
    """One finished step of the method.

    `fraction` is the share of all the work done so far, in [0, 1]; `energy` the weighted value of each term after the
    step, on this level; `unknowns` the current `Unknowns` of this level (None while there is only a start flow); `info`
    the `BlockInfo` of a step that solved a subproblem, as NumPy arrays, in colour with an axis of channels in front.
    """

    stage: str  # what was done, for a human: "start flow", "draft", "latent", "search", "flow", "edges", "colour",
    # "blend"
    level: int  # 0 is the coarsest
    levels: int
    shape: tuple[int, int]  # (H, W) of this level
    fraction: float
    seconds: float  # since the start
    energy: dict[str, float]
    unknowns: Any = None
    info: Any = None
    part: str = ""  # of a long clip, for a human


Hook = Callable[[Progress], None]


class Recorder:
    """Turns stages into `Progress`, hands it to the hooks and keeps the history."""

    def __init__(self, hooks: Sequence[Hook], total: float):
        self.hooks, self.total, self.done = hooks, total, 0.0
        self.begin, self.history = time.monotonic(), []

    def add(self, stage: str, level: int, levels: int, shape, cost: float, energy, unknowns=None, info=None) -> None:
        self.done += cost
        jax.block_until_ready((energy, unknowns))  # a step is done when its numbers are there, not when it is queued
        seconds = time.monotonic() - self.begin
        energy = {name: float(part) for name, part in energy.items()}
        info = jax.tree.map(np.asarray, info)
        step = Progress(stage, level, levels, shape, min(self.done / self.total, 1.0), seconds, energy, None, info)
        self.history.append(step)
        for hook in self.hooks:
            hook(dataclasses.replace(step, unknowns=unknowns))
