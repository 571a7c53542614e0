"""How steep a blurry frame can be: light is at most 1, so a blur over a length l has no slope beyond 1 / l along it."""

import jax
import jax.numpy as jnp
import numpy as np

from gvd_jax.ops.filters import correlate_both
from gvd_jax.ops.sampling import pixel_grid, sample
from gvd_jax.ops.transfer import GAMMA22, luma
from gvd_jax.shapes import Array, Bool, DutyCycle, Float, Flow, Frames

SMOOTH = np.array([0.15, 0.7, 0.15])
# Times the slope that a blur leaves at most, for flow and duty cycle are not exact; and display values per pixel, below
# which noise and wrong flows of fast motion would be taken for it. Of clips that are blurred 3 pixels of a thousand are
# beside one that is steeper, and nothing is lost (r6_lane, r9_street).
BEYOND, STEEP = 1.4, 0.2
# A light three times as bright as white makes ends so steep, but of a streak: bright along so many parts of the blur
# from its end on. Strokes of letters are narrower.
OF_LIGHT, STREAK, BRIGHT = 3.5, (0.25, 0.5, 0.75), 0.5
BESIDE = 13  # pixels a side, around a steep one: its letter


def smooth_gray(frames: Frames) -> Float[Array, "T H W"]:
    """What derivatives are taken of."""
    return correlate_both(luma(frames)[..., 0], SMOOTH)


def _read(gray: Float[Array, "T H W"], way: Float[Array, "T H W 2"]) -> Float[Array, "T H W"]:
    """What is that way from every pixel, in pixels; beyond the border as at it."""
    row, column = (place[None] for place in pixel_grid(*gray.shape[1:], dtype=gray.dtype))
    return sample(gray[..., None], jnp.arange(len(gray)), row + way[..., 1], column + way[..., 0])[..., 0]


def beside_too_steep(frames: Frames, flow: Flow, duty_cycle: DutyCycle) -> Bool[Array, "T H W"]:
    """Where the frames [T, H, W, C] are steeper nearby than any scene under the blur of that flow [T, 2, H, W, 2]: what
    was drawn into a frame after it was exposed, as a cursor or letters, and what moves otherwise.

    The slope is that to the next pixel, in display values or in light as most cameras show it, whichever is less.
    """
    frames, flow = jax.lax.stop_gradient((frames, flow))  # a decision has no derivative
    gray, (there, back) = smooth_gray(frames), (flow[:, 0], flow[:, 1])
    light = GAMMA22.to_linear(gray)

    def is_steep(way):  # in pixels
        length = jnp.sqrt(jnp.square(way).sum(-1))
        step = way / jnp.maximum(length, 1e-6)[..., None]
        rise = _read(gray, step) - gray
        slope = jnp.minimum(jnp.abs(rise), jnp.abs(_read(light, step) - light))
        bright = jnp.sign(rise)[..., None] * way
        is_streak = jnp.stack([_read(gray, part * bright) for part in STREAK]).min(0) > BRIGHT
        return (length * slope > jnp.where(is_streak, OF_LIGHT, BEYOND)) & (slope > STEEP)

    # The whole way, and that of either half of the exposure: a path may turn back. From both sides of a pixel, for of
    # a thin line only one may show its slope.
    tau = duty_cycle[:, None, None, None]
    ways = jnp.stack([tau * (there - back), tau * there, tau * back])
    steep = jax.lax.map(lambda way: is_steep(way) | is_steep(-way), ways).any(0)
    return jax.lax.reduce_window(steep, False, jax.lax.bitwise_or, (1, BESIDE, BESIDE), (1, 1, 1), "SAME")
