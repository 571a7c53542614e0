"""Frames cut into strips of pixels, so that what a strip works on stays in the cache of a CPU."""

import jax
import jax.numpy as jnp

from gvd_jax.ops.exposure import Pixels
from gvd_jax.trees import pytree, static

READS = 2**20  # worked on at a time
SHORTEST = 2**14  # pixels: below, the start of a loop costs more than its work
LANES = 256  # a strip of another length is not vectorised to its end


@pytree
class Strips:
    """Strips of pixels of one frame each."""

    pixels: Pixels  # of all frames
    total: int = static()  # pixels of a frame
    count: int = static()  # strips of a frame
    size: int = static()

    def numbers(self) -> jax.Array:
        """Of all strips, frame by frame."""
        return jnp.arange(self.pixels.frame.shape[0] * self.count, dtype=jnp.int32)

    def begin(self, number: jax.Array) -> tuple[jax.Array, jax.Array, jax.Array]:
        """Frame and first pixel of a strip, and the first that is its own: the last strip of a frame begins within
        the one before."""
        frame, first_own = number // self.count, number % self.count * self.size
        return frame, jnp.minimum(first_own, self.total - self.size), first_own

    def cut(self, x: jax.Array, number: jax.Array) -> jax.Array:
        """The strip's part of x [T, H W]."""
        frame, first, _ = self.begin(number)
        return jax.lax.dynamic_slice_in_dim(x[frame], first, self.size)

    def pixels_of(self, number: jax.Array) -> Pixels:
        """The pixels of one strip, as those of one frame: [1, n]."""
        frame, first, _ = self.begin(number)
        whole = self.pixels
        y, x = (jax.lax.dynamic_slice_in_dim(place, first, self.size) for place in (whole.y, whole.x))
        forward, backward = jax.tree.map(lambda part: self.cut(part, number)[None], (whole.forward, whole.backward))
        return Pixels(y, x, forward, backward, frame, whole.duty_cycle[frame][None])


def cut_strips(pixels: Pixels, reads: int) -> Strips:
    """Strips of pixels that are read `reads` times each."""
    total = pixels.x.size
    count = -(-total // max(READS // max(reads, 1), SHORTEST))
    size = min(total, -(-total // (count * LANES)) * LANES)
    return Strips(pixels, total, count, size)
