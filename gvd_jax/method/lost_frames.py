"""Where frames of a clip are lost: the blur there is shorter than a path through what is left."""

import jax.numpy as jnp

from gvd_jax.method.programs import brief_jit
from gvd_jax.shapes import Continues, Flow

# How far the motion of a pair is off the mean of the pairs beside it: parts of the faster one of them, and pixels. A
# shake that turns back and forth (video/layers.random_path, 400 seeds) has a pair of more than 1.5 in one clip of a
# hundred; where one frame is lost it is so in half of them, where three are in two of three.
JUMP, LEAST = 1.5, 3.0


@brief_jit
def without_jumps(flow: Flow, continues: Continues) -> Continues:
    """`continues` [T], which is 0 before lost frames as well, by the motion of the frame as a whole.

    What only an object does is no lost frame, nor what the first and the last pair of a shot do.
    """
    motion = jnp.median(flow[:, 0], (1, 2))
    before, after = jnp.roll(motion, 1, 0), jnp.roll(motion, -1, 0)
    within = (continues > 0) & (jnp.roll(continues, 1) > 0) & (jnp.roll(continues, -1) > 0)

    def length(x):
        return jnp.sqrt(jnp.square(x).sum(-1))

    faster = jnp.maximum(length(before), length(after))
    jump = length(motion - (before + after) / 2)
    jumps = within & (length(motion) > faster) & (jump > jnp.maximum(JUMP * faster, LEAST))
    return jnp.where(jumps, 0, continues)
