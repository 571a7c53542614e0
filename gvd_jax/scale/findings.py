"""What was found out of a clip and removed from it, and how to say so."""

import dataclasses
from collections.abc import Sequence
from itertools import compress
from typing import Any

import numpy as np

from gvd_jax.method.camera_curve import UNKNOWN
from gvd_jax.method.duty_cycle import AGREED, DOUBTFUL
from gvd_jax.method.stages.finish import DEFOCUS_LEFT, DEFOCUS_PIXELS, DEFOCUSED_SHARE
from gvd_jax.method.stages.shake import SHAKE_PIXELS
from gvd_jax.method.timeline import listed
from gvd_jax.scale.window import Restored
from gvd_jax.shapes import HostArray

LITTLE = 0.001  # of a clip: less of it is a stray pixel
BRIGHTER = 0.04  # of medium gray: a smaller change is nobody's concern, and may be found where there is none


@dataclasses.dataclass(frozen=True)
class Findings:
    """Of a clip, the mean over its windows.

    `duty_cycle` tau, `gamma` that of the camera curve, 1 for none, and their standard deviations, 0 if they were given.
    `shake` is that of the camera within an exposure, pixels. `defocused` is the share of the clip that was out of
    focus, in [0, 1], `defocus` by how much, the standard deviation in pixels, and `defocus_left` the share of it that
    was left so, because it was meant. None of these if it was not looked for. `still` is the share of the clip in which
    something stands before a scene that moves, and `duty_cycles_differ` by how much tau does from shot to shot.
    """

    duty_cycle: float
    duty_cycle_error: float
    gamma: float
    gamma_error: float
    shake: float | None
    defocused: float | None
    defocus: float | None
    defocus_left: float | None
    still: float = 0.0
    duty_cycles_differ: float = 0.0

    def lines(self) -> dict[str, str]:
        """A line for each; nothing that looks measured for what the clip does not tell."""
        soft = "not looked for" if self.defocused is None else "nothing"
        if self._is_soft:
            soft = f"{self.defocus:.1f} px in {self.defocused:.0%}, {'left' if self._is_left else 'removed'}"
        return {
            "duty cycle": _number(self.duty_cycle, self.duty_cycle_error, 3, DOUBTFUL) if self.duty_cycle else "none",
            "gamma": _number(self.gamma, self.gamma_error, 2, UNKNOWN),
            "shake": "not looked for" if self.shake is None else f"{self.shake:.1f} px",
            "out of focus": soft,
        }

    def notes(self) -> list[str]:
        """What the clip cannot tell and what was left, a line each."""
        notes = []
        doubtful = self.duty_cycle_error > DOUBTFUL
        if doubtful:
            taken = f"{self.duty_cycle:.2f} is a guess" if self.duty_cycle else "no motion blur was removed"
            notes.append(
                "no shot is long enough and moves enough to tell the duty cycle: "
                f"{taken}; give --duty-cycle or --shutter-angle if you know it"
            )
        if self.duty_cycles_differ > AGREED:
            notes.append(
                f"the duty cycle of its shots differs by {self.duty_cycles_differ:.2f}: each is restored with its own"
            )
        if self.still > LITTLE:
            notes.append(
                f"{self.still:.1%} of the picture stands still before the scene, or is its border: it is kept as it is"
            )
        if self.duty_cycle == 0 and self.duty_cycle_error and not doubtful:  # found, not of frames that stand alone
            notes.append("what moves is sharp to a pixel or two: no motion blur was removed")
        if self._is_soft and self._is_left:
            notes.append("without motion blur, what is out of focus is taken as meant; --defocus on removes it")
        return notes

    @property
    def _is_soft(self) -> bool:
        return (self.defocused or 0.0) > LITTLE

    @property
    def _is_left(self) -> bool:
        return (self.defocus_left or 0.0) > 0.5


def findings_of(restored: Restored) -> Findings:
    """Of some frames."""

    def measured(name: str) -> float | None:
        """The last one of every tile, their mean; None where no stage measures it."""
        steps = [[step.measured[name] for step in history if name in step.measured] for history in restored.histories]
        return _mean([own[-1] if own else None for own in steps])

    names = ("duty_cycle", "duty_cycle_error", "gamma", "gamma_error")
    duty_cycle, duty_cycle_error, gamma, gamma_error = (float(np.mean(restored[name])) for name in names)
    return Findings(
        duty_cycle,
        duty_cycle_error,
        gamma,
        gamma_error,
        shake=measured(SHAKE_PIXELS),
        defocused=measured(DEFOCUSED_SHARE),
        defocus=measured(DEFOCUS_PIXELS),
        defocus_left=measured(DEFOCUS_LEFT),
        still=float(np.mean(restored["still"])),
        duty_cycles_differ=float(np.ptp(restored["duty_cycle"])),
    )


def mean_of(parts: Sequence[Findings]) -> Findings:
    """That of all windows of a clip; the defocus where there is any."""
    names = [field.name for field in dataclasses.fields(Findings)]
    means: dict[str, Any] = {name: _mean([getattr(part, name) for part in parts]) for name in names}
    widths = {} if means["defocus"] is None else {"defocus": _mean_width(parts)}
    differ = max(*(part.duty_cycles_differ for part in parts), np.ptp([part.duty_cycle for part in parts]))
    return Findings(**means | widths | {"duty_cycles_differ": float(differ)})


def _mean_width(parts: Sequence[Findings]) -> float:
    """Of the defocus, by the share of the clip that has it."""
    shares = [max(part.defocused or 0.0, 1e-9) for part in parts]
    return float(np.average([part.defocus or 0.0 for part in parts], weights=shares))


def _mean(values: Sequence[float | None]) -> float | None:
    """Of those that there are."""
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else None


def _number(value: float, error: float, digits: int, doubtful: float) -> str:
    if error > doubtful:
        return f"{value:.{digits}f} (a guess)"
    return f"{value:.{digits}f} +- {error:.{digits}f}" if error else f"{value:.{digits}f}"


def exposure_notes(exposure: HostArray, starts: Sequence[int], continues: Sequence[bool]) -> list[str]:
    """A line if the exposure of pictures changes: their gains and offsets [pictures, 2], the frames that show them
    first, and which go on with the scene of the one before."""
    level = np.asarray(exposure) @ [0.5, 1.0]
    change = np.where(continues[:-1], np.abs(level[1:] / np.maximum(level[:-1], 1e-3) - 1), 0)
    frames = list(compress(starts[1:], change > BRIGHTER))
    if not frames:
        return []
    return [f"the exposure changes in frame {listed(frames)}, by up to {change.max():.0%}: evened out, then put back"]
