"""Motion and defocus deblurring of video by one differentiable energy, in JAX.

After Kim, Nah and Lee, "Dynamic Video Deblurring using a Locally Adaptive Linear Blur Model" (TPAMI 2017).
"""

from typing import TYPE_CHECKING, Any

from gvd_jax.convex.norms import L1, GroupL2, HyperLaplacian, Norm, SquaredL2
from gvd_jax.convex.pdhg import Steps
from gvd_jax.errors import InputError
from gvd_jax.method.config import Config
from gvd_jax.method.deblur import Result, deblur, deblur_pure
from gvd_jax.method.sweep import sweep
from gvd_jax.model.blur import BlurModel
from gvd_jax.model.energy import Energy, Weights, energy_gradient, evaluate, gvd_energy
from gvd_jax.model.experts import FieldOfExperts
from gvd_jax.model.terms import Term
from gvd_jax.model.variables import Observation, Unknowns, observe
from gvd_jax.progress import Hook, Progress
from gvd_jax.solve.blocks import DEFOCUS, FLOW, LATENT, Block
from gvd_jax.solve.implicit import solve_implicit
from gvd_jax.solve.subproblem import BlockInfo, BlockOptions
from gvd_jax.solve.subproblem import run as solve_subproblem
from gvd_jax.trees import pytree, replace, static

if TYPE_CHECKING:
    from gvd_jax.video.read_write import Clip, read_video, write_video

__all__ = [
    "DEFOCUS",
    "FLOW",
    "L1",
    "LATENT",
    "Block",
    "BlockInfo",
    "BlockOptions",
    "BlurModel",
    "Clip",
    "Config",
    "Energy",
    "FieldOfExperts",
    "GroupL2",
    "Hook",
    "HyperLaplacian",
    "InputError",
    "Norm",
    "Observation",
    "Progress",
    "Result",
    "SquaredL2",
    "Steps",
    "Term",
    "Unknowns",
    "Weights",
    "deblur",
    "deblur_pure",
    "energy_gradient",
    "evaluate",
    "gvd_energy",
    "observe",
    "pytree",
    "read_video",
    "replace",
    "solve_implicit",
    "solve_subproblem",
    "static",
    "sweep",
    "write_video",
]


def __getattr__(name: str) -> Any:
    # Whoever brings arrays need not load a video library.
    if name in ("Clip", "read_video", "write_video"):
        from gvd_jax.video import read_write

        return getattr(read_write, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
