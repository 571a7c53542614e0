"""What a running deblurring tells a human: consumed by progress bars, reports and logs, never by the solver."""

import dataclasses
from collections.abc import Callable
from typing import Any


@dataclasses.dataclass(frozen=True)
class Progress:
    """One finished step of the method.

    `fraction` is the share of all the work done so far, in [0, 1]; `energy` the weighted value of each term after the
    step, on this level; `unknowns` the current `Unknowns` of this level (None while there is only a start flow).
    """

    stage: str  # what was done, for a human: "start flow", "draft", "latent", "search", "flow", "colour", "blend"
    level: int  # 0 is the coarsest
    levels: int
    shape: tuple[int, int]  # (H, W) of this level
    fraction: float
    seconds: float  # since the start
    energy: dict[str, float]
    unknowns: Any = None


Hook = Callable[[Progress], None]
