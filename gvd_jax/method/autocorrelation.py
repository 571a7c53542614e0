"""The autocorrelation of blurry frames along their motion, and how much of it every duty cycle explains.

During the exposure a point moves over a length l = 2 tau |u|, and the frame is the mean over it. Derived twice along
the motion, the mean leaves its two ends: B'' = (L'(x + l / 2) - L'(x - l / 2)) / l. So whatever the scene is, the
autocorrelation of B'' dips at a lag of l, which is 2 tau of every pixel's own flow (Yitzhaky and Kopeika 1997 have it
for one motion of all). How sharp the dip is, the autocorrelation of L' says, and that can be seen: across the motion
nothing is averaged.
"""

from collections.abc import Sequence
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np

from gvd_jax.method.programs import brief_jit
from gvd_jax.method.steepness import smooth_gray
from gvd_jax.ops.exposure import Path
from gvd_jax.ops.sampling import sample
from gvd_jax.ops.transfer import GAMMA22
from gvd_jax.shapes import Array, Float, Flow, Frames, HostArray
from gvd_jax.trees import pytree

CANDIDATES = np.arange(0.02, 0.601, 0.01)  # beyond 0.5 only so that a maximum near 0.5 is seen from both sides
PIXEL = 1.0  # px: sharp frames look as if they were blurred over the width of a pixel
ALONG = np.arange(0.1, 1.41, 0.05)  # lags along the motion, parts of the flow
ACROSS = np.arange(21.0)  # lags across, pixels
SPEEDS = np.array([3, 4, 5, 6.5, 8, 10, 13, 17, 22, 30, 60])  # px: between two of them is one speed
NEAREST = 3.0  # px: a lag below it compares B'' with itself
SOFTNESS = 0.1  # of the mean square: a pixel of more counts like one of less, or a few edges would decide
# Of a pixel whose flows to both neighbours differ by this part of their mean a quarter counts: where motion is not
# even, that within the exposure is another than their mean. Of 24 clips half are off by less than .011 then, not .018
# (.1 to .3 do alike), and beside a gap in time the duty cycle is not halved.
BENT = 0.3
# Of clips that are blurred less than
# this share of the pixels are steeper than a tau 1.2 times as long as theirs allows, of sharp text nearly all edges.
STEEP = 0.01
EVERY = 2  # rows and columns: a sample says as much as all


@pytree
class Correlations:
    """Sums over pixels that move, of products and of the squares that bound them. Pixels that move evenly count most.

    `along` and `along_most` [lags, T, speeds] of B'' along the motion; `across` and `across_most` [lags] of L' across
    it; `speed` [T, speeds] is their mean speed times `count` [T, speeds], the pixels. `mean_speed` [T] is that of all;
    `steep` [candidates, T] is how many pixels are too steep along the motion for a candidate tau.
    """

    along: Float[Array, "lags T speeds"]
    along_most: Float[Array, "lags T speeds"]
    across: Float[Array, "lags"]
    across_most: Float[Array, "lags"]
    speed: Float[Array, "T speeds"]
    count: Float[Array, "T speeds"]
    mean_speed: Float[Array, "T"]
    steep: Float[Array, "candidates T"]


def _derivatives(gray: Float[Array, "T H W"]) -> tuple[jax.Array, ...]:
    """First and second derivatives by central differences, borders repeated: x, y, xx, yy, xy."""
    _, height, width = gray.shape
    padded = jnp.pad(gray, ((0, 0), (1, 1), (1, 1)), mode="edge")

    def at(row: int, column: int) -> jax.Array:
        return padded[:, 1 + row : 1 + row + height, 1 + column : 1 + column + width]

    right, left, below, above = at(0, 1), at(0, -1), at(1, 0), at(-1, 0)
    mixed = (at(1, 1) - at(1, -1) - at(-1, 1) + at(-1, -1)) / 4
    return (right - left) / 2, (below - above) / 2, right + left - 2 * gray, below + above - 2 * gray, mixed


def _slope_along(gray: Float[Array, "T H W"], dx: Array, dy: Array) -> Float[Array, "T H W"]:
    """The size of the slope in a direction of length 1, whatever the curve is: in display values, or in light as most
    cameras show it, whichever is less."""
    (x, y), (light_x, light_y) = _derivatives(gray)[:2], _derivatives(GAMMA22.to_linear(gray))[:2]
    return jnp.minimum(jnp.abs(dx * x + dy * y), jnp.abs(dx * light_x + dy * light_y))


@partial(brief_jit, static_argnames=("path",))
def correlations(frames: Frames, flow: Flow, path: Path) -> Correlations:
    """Autocorrelations of the frames [T, H, W, C] along and across their flow, whose pixels stand on its `path`."""
    gray = smooth_gray(frames)
    count, height, width = gray.shape
    velocity = (flow[:, 0] - flow[:, 1]) / 2
    speed = jnp.sqrt(jnp.square(velocity).sum(-1))
    dx, dy = (velocity[..., k] / jnp.maximum(speed, 1e-6) for k in (0, 1))
    x, y, xx, yy, xy = _derivatives(gray)
    along, across = dx * dx * xx + 2 * dx * dy * xy + dy * dy * yy, dx * y - dy * x
    slope = _slope_along(gray, dx, dy)
    mean_speed = speed.mean((1, 2))
    flow = flow[:, :, ::EVERY, ::EVERY]
    speed, dx, dy, slope = (part[:, ::EVERY, ::EVERY] for part in (speed, dx, dy, slope))
    rows, columns = (jnp.arange(0, size, EVERY, dtype=gray.dtype) for size in (height, width))
    rows, columns = jnp.meshgrid(rows, columns, indexing="ij")
    limits = jnp.asarray(SPEEDS, gray.dtype)
    member = ((speed[..., None] >= limits[:-1]) & (speed[..., None] < limits[1:])).astype(gray.dtype)
    moves = member.sum(-1) > 0
    bend = jnp.square(flow.sum(1)).sum(-1) / jnp.maximum(jnp.square(2 * speed), 1e-6)
    straight = member / jnp.square(1 + bend / BENT**2)[..., None]

    def products(field: jax.Array, ends: Sequence[tuple[jax.Array, jax.Array]], counts: jax.Array):
        """Of the field at both ends of a way (x, y) through every pixel, and the mean square, divided by their size."""
        read, inside = [], counts
        for right, down in ends:
            row, column = rows[None] + down, columns[None] + right
            read.append(sample(field[..., None], jnp.arange(count), row, column)[..., 0])
            inside = inside & (row >= 1) & (row <= height - 2) & (column >= 1) & (column <= width - 2)
        squares = jnp.square(read[0]) + jnp.square(read[1])
        soft = SOFTNESS * jnp.square(field).mean() + jnp.finfo(gray.dtype).tiny
        weight = jnp.where(inside, 1 / (squares + soft), 0)
        return weight * read[0] * read[1], weight * squares / 2

    def along_at(lag):
        def place(t):
            forward, backward = path(t)
            moved = forward * flow[:, 0] + backward * flow[:, 1]
            return moved[..., 0], moved[..., 1]

        found = products(along, [place(lag / 2), place(-lag / 2)], moves & (lag * speed >= NEAREST))
        return tuple(jnp.einsum("thw,thwb->tb", part, straight) for part in found)

    def across_at(lag):
        found = products(across, [(-lag / 2 * dy, lag / 2 * dx), (lag / 2 * dy, -lag / 2 * dx)], moves)
        return tuple(part.sum() for part in found)

    by_speed, most_by_speed = jax.lax.map(along_at, jnp.asarray(ALONG, gray.dtype))
    whole, most = jax.lax.map(across_at, jnp.asarray(ACROSS, gray.dtype))
    per_tau = jnp.where(moves, 2 * speed * slope, 0)
    steep = jax.lax.map(lambda tau: (tau * per_tau > 1).sum((1, 2)), jnp.asarray(CANDIDATES, gray.dtype))
    pixels, weight = EVERY**2 * member.sum((1, 2)), jnp.maximum(straight.sum((1, 2)), 1e-9)
    speeds = pixels * (straight * speed[..., None]).sum((1, 2)) / weight
    return Correlations(by_speed, most_by_speed, whole, most, speeds, pixels, mean_speed, EVERY**2 * steep)


def explained(found: Correlations, frames: HostArray) -> HostArray:
    """How much of the autocorrelation along the motion every candidate tau explains, at most 1; nothing if the
    frames are too steep for it."""
    found = jax.tree.map(lambda x: np.asarray(x, float), found)
    along, most = (part[:, frames].sum(1) for part in (found.along, found.along_most))
    count = found.count[frames].sum(0)
    speed = found.speed[frames].sum(0) / np.maximum(count, 1)
    seen = along / np.maximum(most, 1e-9)
    sharp = found.across / np.maximum(found.across_most, 1e-9)

    def of_sharp(lag):
        return np.interp(np.abs(lag), ACROSS, sharp)

    scores = []
    for tau in CANDIDATES:
        length, lag = np.hypot(2 * tau * speed, PIXEL), ALONG[:, None] * speed
        dip = 2 * of_sharp(lag) - of_sharp(lag - length) - of_sharp(lag + length)
        dip = dip / np.maximum(2 * of_sharp(0) - 2 * of_sharp(length), 1e-3)
        # A flow that is not exact makes the dip less deep everywhere alike.
        depth = max((most * seen * dip).sum() / max((most * dip * dip).sum(), 1e-9), 0)
        left, whole = ((most * part**2).sum() for part in (seen - depth * dip, seen))
        scores.append(1 - left / whole if whole > 0 else 0.0)
    too_steep = found.steep[:, frames].sum(1) > STEEP * count.sum()
    return np.where(too_steep, min(0.0, *scores), scores)
