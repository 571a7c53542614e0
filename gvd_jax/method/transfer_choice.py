"""Which camera curve the blur adds up under: the one in which neighbouring frames explain each other best."""

from gvd_jax.method.duty_cycle import clip_mismatch
from gvd_jax.ops.exposure import Path
from gvd_jax.ops.transfer import NONE, SRGB, Transfer
from gvd_jax.shapes import Flow, Frames

CLEARLY = 0.9  # of the mismatch under the curve


def choose_transfer(frames: Frames, flow: Flow, path: Path) -> Transfer:
    """The sRGB curve undone, or display values as they are where these leave clearly less mismatch at their best tau.

    `frames` [T, H, W, C] are display values and `flow` is theirs. In a camera light adds up; display values do so in
    clips that were made by averaging frames. Gamma 2.2 is within a hundredth of sRGB and is not told apart.
    """
    none, srgb = (clip_mismatch(t.gray(frames), flow, path, t).min() for t in (NONE, SRGB))
    return NONE if none < CLEARLY * srgb else SRGB
