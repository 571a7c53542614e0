"""How steep a blurry frame can be: light is at most 1, so a blur over a length l has no slope beyond 1 / l along it."""

import jax
import jax.numpy as jnp
import numpy as np

from gvd_jax.ops.filters import correlate_both
from gvd_jax.ops.transfer import GAMMA22, luma
from gvd_jax.shapes import Array, Bool, DutyCycle, Float, Flow, Frames

SMOOTH = np.array([0.15, 0.7, 0.15])
# Times the slope that a blur leaves at most, for flow and duty cycle are not exact; and display values per pixel, below
# which noise and wrong flows of fast motion would be taken for it. Of clips that are blurred 3 pixels of a thousand are
# beside one that is steeper, and .05 dB are lost at most (r9_street); the frames of the worst one gain .1.
BEYOND, STEEP = 1.2, 0.15
# A light two to three times as bright as white makes ends so steep, but of a streak: bright along so many parts of the
# blur from its end on. Strokes of letters are narrower.
OF_LIGHT, STREAK, BRIGHT = 2.6, (0.25, 0.5, 0.75), 0.5
BESIDE = np.ones(13)  # pixels on each side of a steep one: its letter


def derivatives(gray: Float[Array, "T H W"]) -> tuple[jax.Array, ...]:
    """First and second derivatives by central differences, borders repeated: x, y, xx, yy, xy."""
    _, height, width = gray.shape
    padded = jnp.pad(gray, ((0, 0), (1, 1), (1, 1)), mode="edge")

    def at(row: int, column: int) -> jax.Array:
        return padded[:, 1 + row : 1 + row + height, 1 + column : 1 + column + width]

    right, left, below, above = at(0, 1), at(0, -1), at(1, 0), at(-1, 0)
    mixed = (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / 4
    return (right - left) / 2, (below - above) / 2, right + left - 2 * gray, below + above - 2 * gray, mixed


def smooth_gray(frames: Frames) -> Float[Array, "T H W"]:
    """What derivatives are taken of."""
    return correlate_both(luma(frames)[..., 0], SMOOTH)


def slope_along(gray: Float[Array, "T H W"], dx: Array, dy: Array) -> Float[Array, "T H W"]:
    """The slope in a direction of length 1, whatever the curve is: in display values, or in light as most cameras show
    it, whichever is less; positive where it rises."""
    (x, y), (light_x, light_y) = derivatives(gray)[:2], derivatives(GAMMA22.to_linear(gray))[:2]
    rise = dx * x + dy * y
    return jnp.sign(rise) * jnp.minimum(jnp.abs(rise), jnp.abs(dx * light_x + dy * light_y))


def _ends_streak(gray: Float[Array, "T H W"], way: Float[Array, "T H W 2"]) -> Bool[Array, "T H W"]:
    """Whether it stays bright that way, in pixels."""
    count, height, width = gray.shape
    frame, row, column = jnp.ogrid[:count, :height, :width]

    def at(part: float) -> jax.Array:
        x, y = (jnp.round(part * way[..., k]).astype(jnp.int32) for k in (0, 1))
        return gray[frame, jnp.clip(row + y, 0, height - 1), jnp.clip(column + x, 0, width - 1)]

    return jnp.stack([at(part) for part in STREAK]).min(0) > BRIGHT


def beside_too_steep(frames: Frames, flow: Flow, duty_cycle: DutyCycle) -> Bool[Array, "T H W"]:
    """Where the frames [T, H, W, C] are steeper nearby than any scene under the blur of that flow [T, 2, H, W, 2]: what
    was drawn into a frame after it was exposed, as a cursor or letters, and what moves otherwise."""
    gray, (there, back) = smooth_gray(frames), (flow[:, 0], flow[:, 1])

    def is_steep(way):  # in pixels, in one direction
        length = jnp.sqrt(jnp.square(way).sum(-1))
        dx, dy = (way[..., k] / jnp.maximum(length, 1e-6) for k in (0, 1))
        rise = slope_along(gray, dx, dy)
        slope = jnp.abs(rise)
        most = jnp.where(_ends_streak(gray, jnp.sign(rise)[..., None] * way), OF_LIGHT, BEYOND)
        return (length * slope > most) & (slope > STEEP)

    # The whole way, and that of either half of the exposure: a path may turn back.
    tau = duty_cycle[:, None, None, None]
    steep = is_steep(tau * (there - back)) | is_steep(tau * there) | is_steep(tau * back)
    return correlate_both(steep.astype(frames.dtype), BESIDE) > 0.5
