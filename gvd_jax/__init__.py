"""Motion and defocus deblurring of video by one differentiable energy, in JAX.

After Kim, Nah and Lee, "Dynamic Video Deblurring using a Locally Adaptive Linear Blur Model" (TPAMI 2017).
"""

from typing import TYPE_CHECKING, Any

from gvd_jax.errors import InputError
from gvd_jax.method.config import Config
from gvd_jax.method.deblur import Result, deblur, deblur_pure
from gvd_jax.model.blur import BlurModel
from gvd_jax.model.energy import Energy, Weights, energy_gradient, evaluate, gvd_energy
from gvd_jax.model.terms import Term
from gvd_jax.model.variables import Observation, Unknowns, observe
from gvd_jax.progress import Hook, Progress

if TYPE_CHECKING:
    from gvd_jax.video.read_write import Clip, read_video, write_video

__all__ = [
    "BlurModel",
    "Clip",
    "Config",
    "Energy",
    "Hook",
    "InputError",
    "Observation",
    "Progress",
    "Result",
    "Term",
    "Unknowns",
    "Weights",
    "deblur",
    "deblur_pure",
    "energy_gradient",
    "evaluate",
    "gvd_energy",
    "observe",
    "read_video",
    "write_video",
]


def __getattr__(name: str) -> Any:
    # Whoever brings arrays need not load a video library.
    if name in ("Clip", "read_video", "write_video"):
        from gvd_jax.video import read_write

        return getattr(read_write, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
