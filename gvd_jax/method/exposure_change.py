"""Exposure that changes from frame to frame, as a gain and an offset of display values."""

import jax
import jax.numpy as jnp

from gvd_jax.method.data_weight import CLIPPED
from gvd_jax.method.occlusion import visibility
from gvd_jax.method.programs import brief_jit
from gvd_jax.ops.resize import resize_map
from gvd_jax.ops.warp import shot_numbers, warp
from gvd_jax.shapes import Array, Bool, Continues, Float, Flow, Frames, Int

TILE = 16  # pixels: their means hardly depend on the blur
# Correlation of the tiles, and display values that they are off the line. Real and rendered clips have .985 and more,
# dissolves .96 and less.
RELATED, APART = 0.975, 0.015
BRIGHT = 0.7  # of the gain of the brightest frame


@brief_jit
def relative_exposures(
    gray: Float[Array, "T H W 1"], flow: Flow, continues: Continues
) -> tuple[Float[Array, "T-1 2"], Continues]:
    """Gain a and offset b of every frame against the next one: B_i(x) = a B_{i+1}(x + u) + b; and `continues` anew.

    The line through the means of tiles, where both frames show the point and clip it in neither. Its slope is the ratio
    of the deviations, which favours neither frame. Where the tiles are not on a line, a is 1 and b is 0, and if they
    are far from it, as in a dissolve, the next frame does not go on with the scene.
    """
    here, there = gray[:-1, ..., 0], warp(gray, flow, 1)[:-1, 0, ..., 0]
    seen = jnp.where(jnp.maximum(here, there) < CLIPPED, visibility(flow, continues)[:-1, 0], 0)
    _, height, width = here.shape

    def tiles(x):
        return resize_map(x, max(1, height // TILE), max(1, width // TILE))

    weight = tiles(seen) + 1e-6
    here, there = tiles(seen * here) / weight, tiles(seen * there) / weight

    def mean(x):
        return (weight * x).sum((1, 2)) / weight.sum((1, 2))

    def deviation(x):
        return jnp.sqrt(mean(jnp.square(x - mean(x)[:, None, None])) + 1e-6)

    gain = deviation(here) / deviation(there)
    offset = mean(here) - gain * mean(there)
    correlation = (mean(here * there) - mean(here) * mean(there)) / (deviation(here) * deviation(there))
    related = (correlation > RELATED) & (continues[:-1] > 0)
    line = gain[:, None, None] * there + offset[:, None, None]
    apart = jnp.sqrt(mean(jnp.square(here - line))) > APART
    goes_on = jnp.where(~related & apart, 0.0, continues[:-1]).astype(continues.dtype)
    one = jnp.array([1.0, 0.0], gray.dtype)
    exposures = jnp.where(related[:, None], jnp.stack([gain, offset], -1), one)
    return exposures, jnp.concatenate([goes_on, jnp.zeros_like(continues[-1:])])


@brief_jit
def frame_exposures(relative: Float[Array, "pairs 2"], continues: Continues) -> Float[Array, "pairs+1 2"]:
    """Gain and offset of every frame against the darkest one of its shot, whose own are 1 and 0.

    The darkest clips least; but one that is much darker than the brightest, as in a fade, is not taken: in its few
    values the others would drown.
    """
    first = jnp.array([1.0, 0.0], relative.dtype)

    def follow(exposure, step):
        (gain, offset), goes_on = step
        moved = jnp.stack([exposure[0] / gain, (exposure[1] - offset) / gain])
        moved = jnp.where(goes_on > 0, moved, first)
        return moved, moved

    chain = jnp.concatenate([first[None], jax.lax.scan(follow, first, (relative, continues[:-1]))[1]])
    brightest = of_brightest(chain, continues)[:, 0]
    bright = chain[:, 0] >= BRIGHT * brightest
    darkest = chain[_first_of_shot(jnp.where(bright, chain[:, 0], jnp.inf), continues)]
    gain = chain[:, 0] / darkest[:, 0]
    return jnp.stack([gain, chain[:, 1] - gain * darkest[:, 1]], -1)


@brief_jit
def of_brightest(exposure: Float[Array, "T 2"], continues: Continues) -> Float[Array, "T 2"]:
    """For every frame the exposure that has the greatest gain in its shot."""
    return exposure[_first_of_shot(-exposure[:, 0], continues)]


def _first_of_shot(order: Float[Array, "T"], continues: Continues) -> Int[Array, "T"]:
    """The number of the frame that is least in the shot of every frame."""
    shot = shot_numbers(continues)
    return jnp.argmin(jnp.where(shot[:, None] == shot[None], order[None], jnp.inf), 1)


def _per_frame(exposure: Float[Array, "T 2"]) -> tuple[jax.Array, jax.Array]:
    return exposure[:, 0, None, None, None], exposure[:, 1, None, None, None]


@brief_jit
def even_exposure(frames: Frames, exposure: Float[Array, "T 2"]) -> Frames:
    """The frames as the darkest exposure shows them. What is clipped stays so: nobody knows how bright it was."""
    gain, offset = _per_frame(exposure)
    return jnp.where(frames >= CLIPPED, frames, jnp.clip((frames - offset) / gain, 0, 1))


@brief_jit
def own_exposure(frames: Frames, exposure: Float[Array, "T 2"]) -> Frames:
    """The inverse of `even_exposure`."""
    gain, offset = _per_frame(exposure)
    return jnp.clip(gain * frames + offset, 0, 1)


def clips_when_even(frames: Frames, exposure: Float[Array, "T 2"]) -> Bool[Array, "T H W C"]:
    """What of the frames the darkest exposure clips: `own_exposure` does not give it back."""
    gain, offset = _per_frame(exposure)
    even = (frames - offset) / gain
    return (even < 0) | (even > 1)
