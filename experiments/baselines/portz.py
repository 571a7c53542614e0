"""Optical flow between frames of different motion blur, after Portz, Zhang, Jiang (CVPR 2012).

Convolutions commute: where the frames are one scene under kernels k1 and k2, B1 * k2 and B2 * k1 are both the scene
under k1 * k2, so that their brightness is constant along the flow and that of the frames is not. A kernel is a straight
segment along the motion of its frame; it may change from pixel to pixel, but must do so slowly.
OTHER than the authors', whose article was not at hand (this follows what Kim, Nah and Lee say of it): frames are
blurred with the current flow and matched by TV-L1 (`zach`, with its weaknesses) in turn, instead of a search of one
energy in which the blur moves with the flow. The motion of a frame is the mean of its flows to both neighbours: two
frames alone do not tell how it changes.
"""

import jax
import jax.numpy as jnp
import numpy as np

import gvd_jax as gvd
from experiments.baselines.tv_l1 import both_ways, clip_flow, zach
from gvd_jax.ops.warp import warp_fields
from gvd_jax.shapes import HostArray

ALTERNATIONS = 2  # of blur and flow; a third changes the mean error by some 0.02 px
SAMPLES = 12  # per side of an exposure; one per 1.8 px of tau |u| suffice, and frames are blurred already


def portz(frames: HostArray, duty_cycle: float) -> HostArray:
    """Flow [T, 2, H, W, 2], pixels per frame interval, of blurry gray frames [T, H, W] in [0, 1].

    `duty_cycle` is exposure / (2 * frame interval). Beyond the ends of the clip the motion is taken to go on as it
    was: a clip of two frames gives nothing that `zach` does not.
    """
    flow = clip_flow(frames, zach)
    for _ in range(ALTERNATIONS):
        flow = match(*blur_alike(frames, flow, duty_cycle))
    return flow


def match(to_next: HostArray, to_previous: HostArray) -> HostArray:
    """Flow [T, 2, H, W, 2] from frames that are blurred alike: all [T, H, W], each for one of its neighbours."""
    pairs = list(zip(to_next[:-1], to_previous[1:], strict=True))
    return both_ways(np.stack([zach(a, b) for a, b in pairs]), np.stack([zach(b, a) for a, b in pairs]))


def blur_alike(frames: HostArray, flow: HostArray, duty_cycle: float) -> tuple[HostArray, HostArray]:
    """Frames [T, H, W] blurred with the kernels of the next frame, and with those of the previous one.

    The kernel of the neighbour at x is the one at x + flow, where it sees the same point: B1 * k2(x + u).
    """
    both = np.asarray(_blur_alike(jnp.asarray(frames), jnp.asarray(flow), jnp.asarray(duty_cycle, jnp.float32)))
    return both[:, 0], both[:, 1]


@jax.jit
def _blur_alike(frames: jax.Array, flow: jax.Array, duty_cycle: jax.Array) -> jax.Array:
    """Frames [T, H, W] under the kernels of both neighbours, [T, 2, H, W]."""
    count, height, width = frames.shape
    motion = (flow[:, :1] - flow[:, 1:]) / 2
    kernels = warp_fields(jnp.repeat(motion, 2, 1), flow, 1).reshape(2 * count, height, width, 2)
    twice = jnp.repeat(frames, 2, 0)[..., None]
    there_and_back = gvd.Unknowns(flow=jnp.stack([kernels, -kernels], 1))
    blurred = gvd.MotionBlur(straight_path, SAMPLES)(twice, there_and_back, gvd.observe(twice, duty_cycle))
    return blurred.reshape(count, 2, height, width)


def straight_path(t: jax.Array) -> tuple[jax.Array, jax.Array]:
    """A segment through x along the mean of the forward and the negative backward flow: d(t) = t (u_f - u_b) / 2."""
    return t / 2, -t / 2
