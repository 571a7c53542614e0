"""Section 4.1: the start flow, from the blurry frames alone."""

from functools import partial

import jax
import jax.numpy as jnp

from gvd_jax.method.config import Config
from gvd_jax.method.ends import extrapolate_ends
from gvd_jax.method.occlusion import inside
from gvd_jax.method.pyramid import Shape, level_shapes
from gvd_jax.model.energy import Energy
from gvd_jax.model.variables import Unknowns, observe
from gvd_jax.ops.resize import resize_flow, resize_frames
from gvd_jax.shapes import Array, Float, Flow, Frames
from gvd_jax.solve import subproblem
from gvd_jax.solve.blocks import START_FLOW
from gvd_jax.trees import replace


@partial(jax.jit, static_argnames="shape")
def _to_level(
    gray: Frames, flow: Float[Array, "T 2 h w 2"], shape: Shape
) -> tuple[Float[Array, "T a b C"], Float[Array, "T 2 a b 2"]]:
    return resize_frames(gray, *shape), resize_flow(flow, *shape)


# Apart from the resampling, so that the programs of a level serve searches that start from any size.
@jax.jit
def _refine(frames: Frames, flow: Flow, energy: Energy, options: subproblem.BlockOptions) -> Flow:
    unknowns = Unknowns(frames, flow, jnp.zeros(frames.shape[:3], frames.dtype))
    observation = replace(observe(frames, jnp.zeros(frames.shape[0], frames.dtype)), visibility=inside(flow))
    return subproblem.run(START_FLOW, energy, unknowns, observation, options)[0].flow


def start_flow(gray: Frames, config: Config) -> Flow:
    """TV-L1 flow of the frames [T, H, W, 1] to their neighbours, coarse to fine from zero."""
    height, width = gray.shape[1:3]
    shapes = level_shapes(height, width, config.start_pyramid)
    energy = config.energy(START_FLOW, 0)
    flow = jnp.zeros((gray.shape[0], 2, *shapes[0], 2), gray.dtype)
    for shape in shapes:
        flow = _refine(*_to_level(gray, flow, shape), energy, config.start_flow)
    _, flow = _to_level(gray, flow, (height, width))
    return extrapolate_ends(flow)
