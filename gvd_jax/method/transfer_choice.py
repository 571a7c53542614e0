"""Which camera curve the blur adds up under: the one in which neighbouring frames explain each other best."""

from gvd_jax.method.config import Config
from gvd_jax.method.duty_cycle import clip_mismatch
from gvd_jax.method.initialise import start_flow
from gvd_jax.ops.transfer import NONE, SRGB, Transfer, luma
from gvd_jax.shapes import Frames


def choose_transfer(frames: Frames, config: Config) -> Transfer:
    """Display values as they are, or the sRGB curve undone, whichever leaves less mismatch at its best duty cycle.

    `frames` [T, H, W, C] are display values. Gamma 2.2 is within a hundredth of sRGB and is not told apart.
    """
    flow = start_flow(luma(frames), config)
    scores = [clip_mismatch(luma(t.to_linear(frames)), flow, config.path).min() for t in (NONE, SRGB)]
    return (NONE, SRGB)[scores.index(min(scores))]
