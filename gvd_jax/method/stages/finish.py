"""What stands between and behind the subproblems: the defocus of edges, the post-filter, the blend."""

import jax
import jax.numpy as jnp
import numpy as np

from gvd_jax.method.agreement import Missed, beyond_codec, blend_by_agreement
from gvd_jax.method.data_weight import CLIPPED, squared_residual
from gvd_jax.method.edge_width import defocus_from_edges
from gvd_jax.method.noise import noise_level
from gvd_jax.method.occlusion import visibility
from gvd_jax.method.post_filter import post_filter
from gvd_jax.method.problem import Info, Problem, State, duty_cycle_of, gray_of, observed
from gvd_jax.method.programs import brief_jit, is_traced
from gvd_jax.method.steepness import beside_too_steep
from gvd_jax.model.blur import flow_within_exposure
from gvd_jax.model.unknowns import Unknowns
from gvd_jax.ops.differences import laplacian
from gvd_jax.ops.warp import has_neighbour, mean_of_shots
from gvd_jax.shapes import Array, Continues, DefocusMap, DutyCycle, Float, Flow, Frames, Number
from gvd_jax.trees import pytree, replace, static

PIXEL = 1 / 12  # variance of its area, px^2
SEEN = 0.5  # px: a smaller defocus nobody sees
HARDLY = 0.5  # px of a path: no blur beside that of a pixel
LIT = 0.05  # of an exposure
EVERYWHERE = 0.9  # of the pixels: where so many are out of focus, nothing is in it
DEFOCUSED_SHARE, DEFOCUS_PIXELS, DEFOCUS_LEFT = "defocused share", "defocus px", "defocus left"


@pytree
class ReadDefocus:
    """Read the defocus off the edges of latent frames that were restored without it: `defocus_from_edges`.

    `focused` [px] and `gain` were fitted on clips rendered from photographs; experiments/defocus.py has others.

    A shot of which half the pixels move by less than `still` [px] during an exposure is one from a tripod, whose soft
    background is meant: it stays as it is, unless nothing at all is in focus.
    """

    quantile: Number = 0.25
    focused: Number = 0.95
    gain: Number = 1.45
    still: Number = 0.5
    unknown: str = static(default="defocus")
    name: str = static(default="edges")
    cost: float = static(default=0.1)

    def run(self, state: State, problem: Problem) -> tuple[State, Info]:
        """The state with a defocus, if there is any: without, programs without G do the rest."""
        defocus, measured = _read_defocus(self, state, problem)
        if not is_traced(defocus) and not np.asarray(defocus).any():
            return state, Info({}, measured=measured)
        return replace(state, unknowns=replace(state.unknowns, defocus=defocus)), Info({}, measured=measured)


@brief_jit
def _read_defocus(edges: ReadDefocus, state: State, problem: Problem) -> tuple[DefocusMap, dict[str, Array]]:
    """The defocus, 0 where it is meant, and what is measured of it. A frame that stands alone still has its motion
    blur, and tells nothing."""
    noise = noise_level(gray_of(problem)[..., 0], problem.continues)
    numbers = edges.quantile, edges.focused, edges.gain
    found = defocus_from_edges(state.unknowns.latent, problem.continues, noise, *numbers)
    found = jnp.where(has_neighbour(problem.continues)[:, None, None], found, 0)
    moved = jnp.sqrt(12 * blur_variance(state.unknowns.flow, duty_cycle_of(problem, state)))  # the length of a path
    soft = (found > SEEN).astype(found.dtype)
    share = soft.mean((1, 2))
    moves = mean_of_shots(jnp.median(moved, (1, 2)), problem.continues) >= edges.still
    meant = ~moves & (mean_of_shots(share, problem.continues) < EVERYWHERE)
    of_soft = jnp.maximum(share.sum(), 1e-9)
    measured = {
        DEFOCUSED_SHARE: share.mean(),
        DEFOCUS_PIXELS: (soft * found).mean((1, 2)).sum() / of_soft,  # the mean where there is any
        DEFOCUS_LEFT: jnp.where(meant, share, 0).sum() / of_soft,
    }
    return jnp.where(meant[:, None, None], 0.0, found), measured


def blur_variance(flow: Flow, duty_cycle: DutyCycle) -> Float[Array, "T H W"]:
    """px^2 along the motion: that of a path of length 2 tau |u|, the mean of both flows."""
    return jnp.square(2 * duty_cycle[:, None, None, None, None] * flow).sum(-1).mean(1) / 12


@pytree
class PostFilter:
    """Eqs. (18)-(19): `sigma` is sigma_w for intensities in [0, 1]; `occluded` the weight of an occluded neighbour."""

    sigma: Number = 25 / 255
    occluded: Number = 0.01
    name: str = static(default="filter")
    cost: float = static(default=0.3)

    def run(self, state: State, problem: Problem) -> tuple[State, Info]:
        """The state with filtered latent frames."""
        return _filter(self, state, problem.continues), Info({})


@brief_jit
def _filter(stage: PostFilter, state: State, continues: Continues) -> State:
    latent, flow = state.unknowns.latent, state.unknowns.flow
    filtered = post_filter(latent, flow, visibility(flow, continues), continues, stage.sigma, stage.occluded)
    return replace(state, unknowns=replace(state.unknowns, latent=filtered))


@pytree
class Soften:
    """Smooth what the blur had taken, by a kernel of `variance` px^2, up to 0.5, along each axis.

    The frames of least energy are sharper than the mean of all those that are as good, for an edge is known to a
    fraction of a pixel only: the mean errs less. Where nothing was blurred nothing is smoothed, half of it where the
    blur is as wide as a pixel.
    """

    variance: Number = 0.1
    name: str = static(default="soften")
    cost: float = static(default=0.05)

    def run(self, state: State, problem: Problem) -> tuple[State, Info]:
        """The state with softer latent frames."""
        latent = soften(state.unknowns, duty_cycle_of(problem, state), self.variance)
        return replace(state, unknowns=replace(state.unknowns, latent=latent)), Info({})


@brief_jit
def soften(unknowns: Unknowns, duty_cycle: DutyCycle, variance: Number) -> Frames:
    """Latent frames smoothed by a kernel of `variance` px^2 as far as they were blurred."""
    blur = blur_variance(unknowns.flow, duty_cycle)
    if "defocus" in unknowns:
        blur = blur + jnp.square(unknowns.defocus)
    share = blur / (blur + PIXEL)
    return unknowns.latent + (variance / 2 * share)[..., None] * laplacian(unknowns.latent)


@pytree
class KeepSharp:
    """Leave what was blurred by nothing as it was: what is in focus in frames whose duty cycle was found to be 0, and
    what hardly moved during the exposure if the shot has hardly any noise.

    Restored frames are read between the pixels of their neighbours, and sharp ones can only lose by that, but for their
    noise. Of less than `quiet`, display values as `noise_level` sees it in fine texture, there is hardly more than the
    rounding to 8 bits.
    """

    quiet: Number = 1.5 / 255
    name: str = static(default="keep sharp")
    cost: float = static(default=0.0)

    def run(self, state: State, problem: Problem) -> tuple[State, Info]:
        """The state with latent frames that are blurry ones where these are sharp."""
        latent = _keep_sharp(self, problem.frames, state.unknowns, duty_cycle_of(problem, state), problem.continues)
        return replace(state, unknowns=replace(state.unknowns, latent=latent)), Info({})


@brief_jit
def _keep_sharp(
    stage: KeepSharp, frames: Frames, unknowns: Unknowns, duty_cycle: DutyCycle, continues: Continues
) -> Frames:
    noise = jax.vmap(noise_level, in_axes=(-1, None))(frames, continues).max(0)[:, None, None]
    moved = blur_variance(unknowns.flow, duty_cycle) > PIXEL * HARDLY**2
    blurred = (duty_cycle[:, None, None] > 0) & (moved | (noise > stage.quiet))
    if "defocus" in unknowns:
        blurred = blurred | (unknowns.defocus > 0)
    return jnp.where(blurred[..., None], unknowns.latent, frames)


@pytree
class Blend:
    """Go back towards the blurry frames where restored neighbours differ by more than `tolerance` of the squared
    change, or where the restored frames, blurred again, miss the blurry ones by more of it than `missed` allows:
    `blend_by_agreement`.

    On clips that the model explains, rendered and real, less than 1 % of what is gained is where more than .3 is
    missed in a window, and of the regions that gain 5 % are missed by more than an eighth; of letters that move and are
    sharp, of halves that are sharp and of mixed frames nearly all harm is. What is found in few iterations misses more.
    """

    tolerance: Number = 0.2
    missed: Missed = Missed()
    name: str = static(default="blend")
    cost: float = static(default=0.15)

    def run(self, state: State, problem: Problem) -> tuple[State, Info]:
        """The state with blended latent frames."""
        return replace(state, unknowns=replace(state.unknowns, latent=_blend(self, state, problem))), Info({})


@brief_jit
def _blend(stage: Blend, state: State, problem: Problem) -> Frames:
    unknowns, observation = state.unknowns, observed(problem, state)
    light = observation.blur(problem.transfer.to_linear(unknowns.latent), unknowns, observation)
    reblurred = problem.transfer.to_display(light)
    # A lamp brighter than white leaves more light than a latent frame can show.
    white = jax.lax.stop_gradient((unknowns.latent.max(-1, keepdims=True) >= CLIPPED).astype(light.dtype))
    lit = observation.blur(white, unknowns, observation) > LIT
    reblurred = jnp.where(lit, jnp.maximum(reblurred, problem.frames), reblurred)
    sharp = beside_too_steep(problem.frames, flow_within_exposure(unknowns), observation.duty_cycle)
    residual = squared_residual(problem.frames, reblurred, problem.trust)
    left = beyond_codec(residual, problem.trust, problem.unsaid)
    known = left, unknowns.flow, problem.continues, problem.trust > 0, sharp
    return blend_by_agreement(problem.frames, unknowns.latent, *known, stage.tolerance, stage.missed)
