"""Motion boundaries: where a smooth flow search leaves the wrong side's motion, and the blur model does not hold.

In blurry frames the edge of a moving layer is smeared by tau |u| to both sides, and what it uncovers has no match in
one of the neighbours. The total variation fills both with the motion of the layer, so that layers grow in the flow.
"""

import itertools

import jax
import jax.numpy as jnp
import numpy as np

from gvd_jax.method.occlusion import inside
from gvd_jax.method.reach import frame_reach
from gvd_jax.model.energy import Energy, cost_over
from gvd_jax.model.observation import Observation, observe
from gvd_jax.model.unknowns import Unknowns
from gvd_jax.ops.filters import box_mean
from gvd_jax.ops.warp import neighbour_exists
from gvd_jax.shapes import Array, Continues, Float, Flow, Number, Visibility
from gvd_jax.solve.blocks import Block
from gvd_jax.solve.linearise import PER_PIXEL, GaussNewton
from gvd_jax.trees import replace

ANGLES = np.arange(8) * np.pi / 4
STEPS = (1.0, 2.0)  # parts of the reach of the blur
OFFSETS = np.array([(r * np.sin(a), r * np.cos(a)) for r, a in itertools.product(STEPS, ANGLES)])  # [16, 2], y then x
WINDOW = 5
GIVE_UP = 1.0  # px: a mismatch beyond it says only that there is no match
RESOLUTION = 1e-3  # px: a smaller gain is none


def adopt_nearby_flow(block: Block, energy: Energy, unknowns: Unknowns, observation: Observation) -> Flow:
    """Give every pixel the pair of flows, its own or of a place around it, under which the terms per pixel are least.

    The terms of the block that are stored `PerPixel` decide, by default those of constancy in pixels: the others are
    not known of one pixel. Places lie up to twice the reach of the frame's blur away. Both flows are taken over
    together: one neighbour that sees the pixel decides for the other that does not, whose mismatch counts `GIVE_UP`
    pixels at most. The neighbours are those of every flow that is tried; nothing else of the observation is changed.
    """
    flow = unknowns.flow
    height, width = flow.shape[2:4]
    judges = [energy[name] for name in block.modelled.get(GaussNewton(PER_PIXEL), [])]
    weight = sum((term.weight for term in judges), jnp.zeros((), flow.dtype))
    limit = weight * GIVE_UP
    continues = observation.continues
    observation = observe(observation.blurry, observation.duty_cycle, observation.blur, observation.transfer, continues)

    def mismatch(flow):
        moved = replace(unknowns, flow=flow)
        cost = jnp.minimum(cost_over(judges, moved, observation, flow.shape[:-1]), limit)
        return box_mean(jnp.where(inside(flow, continues, (1,)) > 0, cost, limit).sum(1), WINDOW)

    def shifted(pair, offset):
        rows = jnp.clip(jnp.arange(height, dtype=jnp.int32) + offset[0], 0, height - 1)
        columns = jnp.clip(jnp.arange(width, dtype=jnp.int32) + offset[1], 0, width - 1)
        return pair[:, rows][:, :, columns]

    def adopt(state, offset):
        best, least = state
        candidate = jax.vmap(shifted)(flow, offset)
        cost = mismatch(candidate)
        better = cost < least - weight * RESOLUTION
        return (jnp.where(better[:, None, :, :, None], candidate, best), jnp.where(better, cost, least)), None

    # Of the flow's type by hand: JAX remembers the one that it has given to an array of NumPy in another precision.
    longest = frame_reach(flow, observation.duty_cycle)[None, :, None]
    offsets = jnp.round(longest * jnp.asarray(OFFSETS, flow.dtype)[:, None]).astype(jnp.int32)
    return jax.lax.scan(adopt, (flow, mismatch(flow)), offsets)[0][0]


def blur_confidence(visible: Visibility, continues: Continues, unconfirmed: Number) -> Float[Array, "T H W"]:
    """How far the blur model is to be trusted: 1 where both neighbours confirm the flow, `unconfirmed` where none does.

    `visible` says where the flow back from each neighbour returns (`visibility`). An end of a shot has one
    neighbour, and a frame that has none is sharp: nothing is to be confirmed.
    """
    exists = neighbour_exists(continues, (1, -1))[:, :, None, None]
    count = exists.astype(visible.dtype).sum(1)
    confirmed = jnp.where(exists, visible[:, :2], 0).sum(1) / jnp.maximum(count, 1)
    confirmed = jnp.where(exists.any(1), confirmed, 1.0)
    return unconfirmed + (1 - unconfirmed) * box_mean(confirmed, WINDOW)
