"""What is found out of a long clip before it is cut, for all its parts alike."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations
from typing import Literal

import jax.numpy as jnp
import numpy as np

from gvd_jax.method.camera import Shutter
from gvd_jax.method.camera_curve import SPREAD, UNKNOWN
from gvd_jax.method.config import Config
from gvd_jax.method.deblur import find_start
from gvd_jax.method.duty_cycle import AGREED, DOUBTFUL, FoundDutyCycle, surely_differ
from gvd_jax.method.problem import on_level
from gvd_jax.method.reach import reach
from gvd_jax.method.still_layer import Scene, find_scene
from gvd_jax.method.timeline import Timeline
from gvd_jax.model.axes import Part, within
from gvd_jax.ops.resize import resize_frames
from gvd_jax.shapes import Frames, HostArray

PROBES = 5
FRAMES = 9  # of a probe
PIXELS = 480 * 640  # of a frame of a probe: larger ones shrink, and the duty cycle stays as it is

Read = Callable[[int, int], HostArray]  # frames [start, stop) of the clip, [T, H, W, C] in [0, 1]


@dataclass(frozen=True)
class Survey:
    """What is known of a clip as a whole.

    The duty cycle, "auto" if every window finds its own; the gamma of the camera curve, None if it is that of the
    settings, which may find it; in pixels the longest motion per frame and the longest path of an exposure to either
    side; the standard deviations of the first two, 0 if given; the distinct pictures, None if every frame goes on in
    the next one; and the error of the codec in each, () for none.
    """

    duty_cycle: float | Literal["auto"]
    gamma: float | None = None
    motion: float = 0.0
    blur: float = 0.0
    duty_cycle_error: float = 0.0
    gamma_error: float = 0.0
    timeline: Timeline | None = None
    codec_errors: tuple[float, ...] = ()

    def scene(self, pictures: Frames, start: int) -> Scene:
        """Those pictures, the first of which has that number."""
        stop = start + len(pictures)
        linked = None if self.timeline is None else self.timeline.links(np.float32, start, stop)
        error = jnp.asarray(self.codec_errors[start:stop]) if self.codec_errors else None
        rests = None if self.timeline is None else self.timeline.rests[start:stop]
        return find_scene(pictures, linked, error, rests)

    def shutter(self, frames: int) -> Shutter:
        """Of so many frames."""
        if isinstance(self.duty_cycle, str):
            return self.duty_cycle
        if self.duty_cycle_error:
            return FoundDutyCycle(self.duty_cycle, 1.0, self.duty_cycle_error)
        return jnp.full(frames, self.duty_cycle)

    def settings(self, config: Config) -> Config:
        """With the camera curve of the clip."""
        if self.gamma is None:
            return config
        return config.with_transfer("none" if self.gamma == 1 else self.gamma)


def take_survey(
    read: Read, count: int, duty_cycle: float | Literal["auto"], config: Config, known: Survey | None = None
) -> Survey:
    """Of the `count` pictures that `read` gives, from probes spread over them; what is `known` before is kept.

    Where more moves, a probe knows more: the duty cycle is the median weighted by motion, and so is the curve chosen.
    Of probes that surely differ, as shots of several cameras do, neither is taken: every window finds its own.
    """
    known = Survey(duty_cycle) if known is None else known
    frames = min(FRAMES, count)
    probes = min(PROBES, -(-count // frames))
    starts = np.linspace(0, count - frames, probes).round().astype(int)
    taus, tau_errors, gammas, gamma_errors, motions, blurs = [], [], [], [], [], []
    for start in starts:
        probe = jnp.asarray(read(int(start), int(start) + frames))
        height, width = probe.shape[1:3]
        own = within(config, Part(slice(int(start), int(start) + frames), slice(0, height), slice(0, width)))
        scale = min(1.0, (PIXELS / (height * width)) ** 0.5)
        if scale < 1:
            shape = round(scale * height), round(scale * width)
            probe, own = jnp.clip(resize_frames(probe, *shape), 0, 1), on_level(own, shape)
        found = find_start(known.scene(probe, int(start)), known.shutter(frames), own)
        problem, flow = found.problem, found.state.unknowns.flow
        taus.append(float(jnp.median(problem.duty_cycle)))
        tau_errors.append(float(found.duty_cycle_error))
        gammas.append(float(problem.transfer.gamma))
        gamma_errors.append(float(found.gamma_error))
        motions.append(float(reach(flow, jnp.ones(frames))) / scale)
        blurs.append(float(reach(flow, problem.duty_cycle)) / scale)
    weight = np.array(motions) + 1e-6
    tau, tau_error = duty_cycle, 0.0
    if isinstance(duty_cycle, str) and _agree(taus, tau_errors, DOUBTFUL, AGREED):
        tau, tau_error = _median(taus, tau_errors, weight)
    gamma, gamma_error = None, 0.0
    if config.camera.transfer is None and _agree(gammas, gamma_errors, UNKNOWN, SPREAD):
        gamma, gamma_error = _median(gammas, gamma_errors, weight)
    return dataclasses.replace(
        known,
        duty_cycle=tau,
        gamma=gamma,
        motion=max(motions),
        blur=max(blurs),
        duty_cycle_error=tau_error,
        gamma_error=gamma_error,
    )


def _agree(values: list[float], errors: list[float], doubtful: float, least: float) -> bool:
    """Whether no two of those that are not `doubtful` surely differ, and by `least`."""
    told = [pair for pair in zip(values, errors, strict=True) if pair[1] <= doubtful]
    return not any(surely_differ(a, b, least) for a, b in combinations(told, 2))


def _median(values: list[float], errors: list[float], weight: np.ndarray) -> tuple[float, float]:
    """The weighted one, and its error."""
    order = np.argsort(values)
    share = weight[order].cumsum() / weight.sum()
    middle = order[np.searchsorted(share, 0.5)]
    return values[middle], errors[middle]
