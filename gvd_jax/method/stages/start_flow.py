"""Section 4.1: a flow to start from, that of the blurry frames or one from elsewhere."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gvd_jax.method.ends import extrapolate_ends
from gvd_jax.method.inputs import check_flow_shape
from gvd_jax.method.occlusion import inside
from gvd_jax.method.problem import Info, Problem, Shape, State, gray_of, on_level
from gvd_jax.method.programs import brief_jit
from gvd_jax.method.pyramid import Pyramid, canvases, level_shapes
from gvd_jax.method.stages.solve import terms_of
from gvd_jax.model.axes import change_held, padded
from gvd_jax.model.blur import Blur
from gvd_jax.model.energy import Energy
from gvd_jax.model.observation import observe
from gvd_jax.model.unknowns import FLOW, Unknowns
from gvd_jax.ops.platform import placed
from gvd_jax.ops.resize import resize_flow, resize_frames
from gvd_jax.ops.warp import DISTANCES
from gvd_jax.shapes import Array, Continues, Float, Flow, Frames
from gvd_jax.solve.blocks import START_FLOW, Block
from gvd_jax.solve.subproblem import BlockOptions, solve_subproblem
from gvd_jax.trees import held, pytree, replace, static

SAMPLES = 2  # reads per side of the exposure, if a term of the flow blurs: on coarse levels paths are short


@partial(brief_jit, static_argnames=("before", "shape", "canvas"))
def _to_level(
    gray: Frames, flow: Float[Array, "T 2 h w 2"], before: Shape, shape: Shape, canvas: Shape
) -> tuple[Float[Array, "T a b C"], Float[Array, "T 2 a b 2"]]:
    """Frames and flow, which had the shape `before`, in a new `shape`, at the upper left of a `canvas`."""
    frames, flow = resize_frames(gray, *shape), resize_flow(flow[:, :, : before[0], : before[1]], *shape)
    return padded(frames, "T H W C", *canvas), padded(flow, "T 2 H W 2", *canvas)


@partial(brief_jit, static_argnames=("before", "shape"))
def _to_size(flow: Float[Array, "T 2 h w 2"], continues: Continues, before: Shape, shape: Shape) -> Flow:
    """The flow, which had the shape `before`, in a new `shape`, with what no neighbour shows."""
    return extrapolate_ends(resize_flow(flow[:, :, : before[0], : before[1]], *shape), continues)


@brief_jit
def refine(
    block: Block,
    energy: Energy,
    options: BlockOptions,
    frames: Frames,
    flow: Flow,
    duty_cycle: Any,
    blur: Blur,
    continues: Continues,
    shape: tuple[Any, Any],
) -> tuple[Flow, jax.Array]:
    """The flow of frames of a traced `shape` at the upper left of their arrays, so that one program serves many levels;
    and result codes.

    Nothing is seen in the margin, through which the total variation continues the flow: it is as free as at a border.
    """
    observation = observe(frames, duty_cycle, blur, continues=continues)
    seen = inside(flow, continues, DISTANCES, shape)
    rows, columns = (jnp.arange(whole) < part for whole, part in zip(frames.shape[1:3], shape, strict=True))
    within = jnp.broadcast_to((rows[:, None] & columns[None]).astype(frames.dtype), frames.shape[:3])
    observation = replace(observation, visibility=seen, confidence=within)
    unknowns = Unknowns(latent=frames, flow=flow)
    found, info = solve_subproblem(block, energy, unknowns, observation, options)
    return found.flow, info.status


@pytree
class StartFlow:
    """Flow of the blurry frames to their neighbours, coarse to fine from zero, by the terms of a block."""

    block: Block = START_FLOW
    options: BlockOptions = BlockOptions()
    pyramid: Pyramid = static(default=Pyramid())
    name: str = static(default="start flow")
    cost: float = static(default=0.7)

    def run(self, state: State, problem: Problem) -> tuple[State, Info]:
        """The state with the flow of the blurry frames at full size. Of the shutter nothing need be known yet."""
        problem = replace(problem, duty_cycle=placed(np.zeros(len(problem.frames)), problem.frames.dtype))
        flow, status = self.find(gray_of(problem), problem)
        return replace(state, unknowns=replace(state.unknowns, flow=flow)), Info({}, status=status)

    def find(self, frames: Frames, problem: Problem) -> tuple[Flow, jax.Array]:
        """The flow of other frames [T, h, w, 1], blurry or restored, and the result codes on all levels."""
        height, width = frames.shape[1:3]
        shapes = level_shapes(height, width, self.pyramid)
        codes, before = [], shapes[0]
        flow = placed(np.zeros((frames.shape[0], 2, *shapes[0], 2)), frames.dtype)
        for shape, canvas in zip(shapes, canvases(shapes), strict=True):
            model = terms_of(self.block, problem, shape), on_level(problem.blur.with_samples(SAMPLES), shape)
            terms, blur = change_held(model, lambda how, x, canvas=canvas: how.padded(x, *canvas))
            at_level = _to_level(frames, flow, before, shape, canvas)
            flow, status = refine(
                self.block, terms, self.options, *at_level, problem.duty_cycle, blur, problem.continues, shape
            )
            codes.append(status)
            before = shape
        return _to_size(flow, problem.continues, before, (height, width)), jnp.concatenate(codes)


@pytree
class GivenFlow:
    """A flow from elsewhere, [T, 2, H, W, 2] pixels per frame interval at full size.

    The motion before the first and after the last frame, which no neighbour shows, continues that of the next frame.
    """

    flow: Flow = held("T 2 H W 2", to_level=FLOW.to_level)
    name: str = static(default="start flow")
    cost: float = static(default=0.0)

    def run(self, state: State, problem: Problem) -> tuple[State, Info]:
        """The state with that flow. Raises `InputError` if it is of another size than the frames."""
        check_flow_shape(self.flow.shape, (len(problem.frames), *state.shape))
        return replace(
            state, unknowns=replace(state.unknowns, flow=extrapolate_ends(self.flow, problem.continues))
        ), Info({})
