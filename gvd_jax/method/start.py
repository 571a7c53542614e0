"""What is found out about a clip before the first stage: camera curve, exposures, shutter, flow of blurry frames."""

from dataclasses import dataclass
from typing import Literal

import jax
import jax.numpy as jnp

from gvd_jax.method.config import Config
from gvd_jax.method.duty_cycle import clip_duty_cycle, frame_duty_cycles
from gvd_jax.method.exposure_change import even_exposure, frame_exposures, relative_exposures
from gvd_jax.method.initialise import start_flow
from gvd_jax.method.reach import reach
from gvd_jax.method.transfer_choice import choose_transfer
from gvd_jax.ops.transfer import NONE
from gvd_jax.shapes import Array, DutyCycle, Float, Flow, Frames
from gvd_jax.trees import replace

SAMPLES = (4, 5, 6, 8, 10, 12, 16, 24, 32, 48, 64)  # reads per side of the exposure: few values, so few programs


@dataclass(frozen=True)
class Start:
    """`frames` of one exposure, `exposure` [T, 2] the gain and offset of each, `gray` and `flow` of those frames, and
    `config` with the transfer and the samples that were chosen."""

    frames: Frames
    exposure: Float[Array, "T 2"]
    gray: Float[Array, "T H W 1"]
    flow: Flow
    duty_cycle: DutyCycle
    config: Config


@jax.jit
def to_gray(frames: Frames, config: Config) -> Float[Array, "T H W 1"]:
    """Display values of the luma of the light."""
    return (config.transfer or NONE).gray(frames)


def samples_for(flow: Flow, duty_cycle: DutyCycle) -> int:
    """Reads per side of the exposure for paths of this flow."""
    return samples_for_path(float(reach(flow, duty_cycle)))


def samples_for_path(length: float) -> int:
    """Reads per side of the exposure, one per 1.8 pixels of the longest paths: bilinear reads are 2 pixels wide, and
    nearer ones gain less than 0.05 dB."""
    return next((n for n in SAMPLES if n >= length / 1.8), SAMPLES[-1])


def find_start(frames: Frames, duty_cycle: DutyCycle | Literal["auto", "per-frame"], config: Config) -> Start:
    """Everything that is not given."""
    gray = to_gray(frames, config)
    flow = start_flow(gray, config)
    transfer = config.transfer or choose_transfer(frames, flow, config.path)
    if config.transfer is None:  # the flow hardly depends on it
        config = replace(config, transfer=transfer)
        gray = to_gray(frames, config)
    relative = relative_exposures(gray, flow)
    exposure = jnp.broadcast_to(jnp.array([1.0, 0.0], frames.dtype), (frames.shape[0], 2))
    if jnp.abs(relative @ jnp.array([0.5, 1.0]) - 0.5).max() > config.exposure_change:
        exposure = frame_exposures(relative)
        frames = even_exposure(frames, exposure)
        gray = to_gray(frames, config)
        flow = start_flow(gray, config)
    if isinstance(duty_cycle, str):
        tau = jnp.full(frames.shape[0], clip_duty_cycle(gray, flow, config.path, transfer))
        if duty_cycle == "per-frame":
            tau = frame_duty_cycles(gray, flow, tau, config.path, transfer)
    else:
        tau = duty_cycle
    tau = jnp.asarray(tau, frames.dtype)
    return Start(frames, exposure, gray, flow, tau, replace(config, samples=samples_for(flow, tau)))
