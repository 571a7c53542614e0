"""Motion and defocus deblurring of video by one differentiable energy, in JAX.

After Kim, Nah and Lee, "Dynamic Video Deblurring using a Locally Adaptive Linear Blur Model" (TPAMI 2017).
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from gvd_jax.cache import use_cache
from gvd_jax.convex.norms import L1, GroupL2, HyperLaplacian, Norm, SquaredL2
from gvd_jax.convex.pdhg import Steps
from gvd_jax.errors import InputError
from gvd_jax.method.believe import Confirmed, Inside
from gvd_jax.method.camera import Camera, samples_for
from gvd_jax.method.config import Config
from gvd_jax.method.deblur import Result, deblur, deblur_pure
from gvd_jax.method.duty_cycle import find_duty_cycle
from gvd_jax.method.problem import Info, Problem, Stage, State
from gvd_jax.method.schedule import Level
from gvd_jax.method.stages.colour import SolveChannels, ToColour
from gvd_jax.method.stages.duty_cycle import FindDutyCycle
from gvd_jax.method.stages.finish import Blend, KeepSharp, PostFilter, ReadDefocus, Soften
from gvd_jax.method.stages.search import GuessEnds, Search, SearchEnds
from gvd_jax.method.stages.shake import FindShake
from gvd_jax.method.stages.solve import Afresh, Solve
from gvd_jax.method.stages.start_flow import GivenFlow, StartFlow
from gvd_jax.method.sweep import sweep
from gvd_jax.model.blur import Blur, BlurOperator, DiscDefocus, GaussianDefocus, MotionBlur
from gvd_jax.model.energy import Energy, energy_gradient, evaluate, gvd_energy
from gvd_jax.model.experts import FieldOfExperts
from gvd_jax.model.observation import Observation, observe
from gvd_jax.model.terms import Term
from gvd_jax.model.unknowns import DEFOCUS, DUTY_CYCLE, FLOW, LATENT, SHAKE, Unknown, Unknowns
from gvd_jax.ops.filters import smooth
from gvd_jax.progress import Hook, Progress
from gvd_jax.solve.blocks import DEFOCUS_BLOCK, FLOW_BLOCK, LATENT_BLOCK, Block, Dual, Linearised, Quadratic
from gvd_jax.solve.implicit import solve_implicit
from gvd_jax.solve.linearise import FiniteDifference, GaussNewton, Gradient, MatrixFree, PerPixel
from gvd_jax.solve.status import Status
from gvd_jax.solve.subproblem import BlockInfo, BlockOptions
from gvd_jax.solve.subproblem import run as solve_subproblem
from gvd_jax.trees import held, pytree, replace, static

if TYPE_CHECKING:
    from gvd_jax.scale.clip import RestoredVideo, deblur_video
    from gvd_jax.video.read_write import Clip, read_video, write_video

__all__ = [
    "DEFOCUS",
    "DEFOCUS_BLOCK",
    "DUTY_CYCLE",
    "FLOW",
    "FLOW_BLOCK",
    "L1",
    "LATENT",
    "LATENT_BLOCK",
    "SHAKE",
    "Afresh",
    "Blend",
    "Block",
    "BlockInfo",
    "BlockOptions",
    "Blur",
    "BlurOperator",
    "Camera",
    "Clip",
    "Config",
    "Confirmed",
    "DiscDefocus",
    "Dual",
    "Energy",
    "FieldOfExperts",
    "FindDutyCycle",
    "FindShake",
    "FiniteDifference",
    "GaussNewton",
    "GaussianDefocus",
    "GivenFlow",
    "Gradient",
    "GroupL2",
    "GuessEnds",
    "Hook",
    "HyperLaplacian",
    "Info",
    "InputError",
    "Inside",
    "KeepSharp",
    "Level",
    "Linearised",
    "MatrixFree",
    "MotionBlur",
    "Norm",
    "Observation",
    "PerPixel",
    "PostFilter",
    "Problem",
    "Progress",
    "Quadratic",
    "ReadDefocus",
    "RestoredVideo",
    "Result",
    "Search",
    "SearchEnds",
    "Soften",
    "Solve",
    "SolveChannels",
    "SquaredL2",
    "Stage",
    "StartFlow",
    "State",
    "Status",
    "Steps",
    "Term",
    "ToColour",
    "Unknown",
    "Unknowns",
    "deblur",
    "deblur_pure",
    "deblur_video",
    "energy_gradient",
    "evaluate",
    "find_duty_cycle",
    "gvd_energy",
    "held",
    "observe",
    "pytree",
    "read_video",
    "replace",
    "samples_for",
    "smooth",
    "solve_implicit",
    "solve_subproblem",
    "static",
    "sweep",
    "use_cache",
    "write_video",
]


# Whoever brings arrays need not load a video library.
LATER = {
    "Clip": "gvd_jax.video.read_write",
    "RestoredVideo": "gvd_jax.scale.clip",
    "deblur_video": "gvd_jax.scale.clip",
    "read_video": "gvd_jax.video.read_write",
    "write_video": "gvd_jax.video.read_write",
}


def __getattr__(name: str) -> Any:
    if name in LATER:
        return getattr(import_module(LATER[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
