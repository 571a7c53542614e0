# The public names, each with its module: `gvd_jax/__init__.py` reads them here.
from .cache import use_cache
from .convex.norms import L1, GroupL2, HyperLaplacian, Norm, SquaredL2
from .convex.pdhg import Steps
from .errors import InputError
from .method.believe import Confirmed, Inside
from .method.camera import Camera, samples_for
from .method.config import Config
from .method.deblur import Result, deblur, deblur_pure
from .method.duty_cycle import find_duty_cycle
from .method.problem import Info, Problem, Stage, State
from .method.schedule import Level
from .method.stages.colour import SolveChannels, ToColour
from .method.stages.duty_cycle import FindDutyCycle
from .method.stages.finish import Blend, KeepSharp, PostFilter, ReadDefocus, Soften
from .method.stages.search import GuessEnds, Search, SearchEnds
from .method.stages.shake import FindShake
from .method.stages.solve import Afresh, Solve
from .method.stages.start_flow import GivenFlow, StartFlow
from .method.sweep import sweep
from .model.blur import Blur, BlurOperator, DiscDefocus, GaussianDefocus, MotionBlur
from .model.energy import Energy, energy_gradient, evaluate, gvd_energy
from .model.experts import FieldOfExperts
from .model.observation import Observation, observe
from .model.terms import Term
from .model.unknowns import DEFOCUS, DUTY_CYCLE, FLOW, LATENT, SHAKE, Unknown, Unknowns
from .ops.filters import smooth
from .progress import Hook, Progress
from .scale.clip import RestoredVideo, deblur_video
from .solve.blocks import DEFOCUS_BLOCK, FLOW_BLOCK, LATENT_BLOCK, Block, Dual, Linearised, Quadratic
from .solve.implicit import solve_implicit
from .solve.linearise import FiniteDifference, GaussNewton, Gradient, MatrixFree, PerPixel
from .solve.status import Status
from .solve.subproblem import BlockInfo, BlockOptions, solve_subproblem
from .trees import held, pytree, replace, static
from .video.read_write import Clip, read_video, write_video

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
