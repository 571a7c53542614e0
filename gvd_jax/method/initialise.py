"""Section 4.1: the start flow, from the blurry frames alone."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from gvd_jax.method.config import Config
from gvd_jax.method.ends import extrapolate_ends
from gvd_jax.method.memory import lean_jit
from gvd_jax.method.occlusion import inside
from gvd_jax.method.pyramid import Shape, canvases, level_shapes
from gvd_jax.model.energy import Energy
from gvd_jax.model.variables import Unknowns, observe
from gvd_jax.ops.resize import resize_flow, resize_frames
from gvd_jax.shapes import Array, Float, Flow, Frames
from gvd_jax.solve import subproblem
from gvd_jax.solve.blocks import START_FLOW
from gvd_jax.trees import replace


@partial(jax.jit, static_argnames=("shape", "canvas"))
def _to_level(
    gray: Frames, flow: Float[Array, "T 2 h w 2"], shape: Shape, canvas: Shape
) -> tuple[Float[Array, "T a b C"], Float[Array, "T 2 a b 2"]]:
    """Frames and flow in a new `shape`, at the upper left of a `canvas`."""
    frames, flow = resize_frames(gray, *shape), resize_flow(flow, *shape)
    margin = [(0, whole - part) for whole, part in zip(canvas, shape, strict=True)]
    return (
        jnp.pad(frames, [(0, 0), *margin, (0, 0)], mode="edge"),
        jnp.pad(flow, [(0, 0), (0, 0), *margin, (0, 0)], mode="edge"),
    )


@lean_jit
def refine(
    frames: Frames, flow: Flow, shape: tuple[Any, Any], energy: Energy, options: subproblem.BlockOptions
) -> Flow:
    """The flow of frames of a traced `shape` at the upper left of their arrays, so that one program serves many levels.

    Nothing is seen in the margin, through which the total variation continues the flow: it is as free as at a border.
    """
    unknowns = Unknowns(frames, flow, jnp.zeros(frames.shape[:3], frames.dtype))
    observation = observe(frames, jnp.zeros(frames.shape[0], frames.dtype))
    observation = replace(observation, visibility=inside(flow, shape=shape))
    return subproblem.run(START_FLOW, energy, unknowns, observation, options)[0].flow


def start_flow(gray: Frames, config: Config) -> Flow:
    """TV-L1 flow of the frames [T, H, W, 1] to their neighbours, coarse to fine from zero."""
    height, width = gray.shape[1:3]
    shapes = level_shapes(height, width, config.start_pyramid)
    energy = config.energy(START_FLOW, 0)
    flow = jnp.zeros((gray.shape[0], 2, *shapes[0], 2), gray.dtype)
    for shape, canvas in zip(shapes, canvases(shapes), strict=True):
        flow = refine(*_to_level(gray, flow, shape, canvas), shape, energy, config.start_flow)
        flow = flow[:, :, : shape[0], : shape[1]]
    return extrapolate_ends(resize_flow(flow, height, width))
