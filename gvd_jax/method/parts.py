"""The parts of a `Config`: those that a method may do without are None there."""

from typing import Any

from gvd_jax.convex.norms import Norm
from gvd_jax.model.energy import Energy
from gvd_jax.model.experts import FieldOfExperts
from gvd_jax.model.terms import Term
from gvd_jax.shapes import Frames
from gvd_jax.solve.subproblem import BlockOptions
from gvd_jax.trees import pytree, static


@pytree
class Pyramid:
    """Coarse-to-fine schedule: `levels` at most, each `factor` times the next, the smaller side at least `smallest`.

    The `omitted` finest ones are left out. Every level runs `rounds` alternations over the blocks.
    """

    factor: float = static(default=0.5)
    levels: int = static(default=1)
    smallest: int = static(default=16)
    omitted: int = static(default=0)
    rounds: int = static(default=1)


@pytree
class PostFilter:
    """Eqs. (18)-(19): `sigma` is sigma_w for intensities in [0, 1]; `occluded` the weight of an occluded neighbour."""

    sigma: Any = 25 / 255
    occluded: Any = 0.01


@pytree
class Search:
    """Every flow subproblem starts from a flow searched anew, coarse to fine, in latent frames solved afresh.

    `draft_temporal` is mu of those frames once the motion of the ends is known: the temporal term would bind them to
    the last flow, and the search would only find that one again.
    """

    draft_temporal: Any


@pytree
class Edges:
    """The defocus is read off the edges of latent frames without it: `defocus_from_edges`.

    `focused` [px] and `gain` were fitted on clips rendered from photographs; experiments/defocus.py has others.
    """

    quantile: Any = 0.25
    focused: Any = 0.95
    gain: Any = 1.45


@pytree
class Blend:
    """The result goes back towards the blurry frames where restored neighbours differ by more than `tolerance` of the
    squared change."""

    tolerance: Any = 0.2


@pytree
class Finish:
    """Settings of the last solve: there a prior may cost more than in every draft before it.

    It starts from the blurry frames. `data`, `temporal`, `latent_tv` and `model_error` are factors of what the rounds
    have, so that a sweep over weights means both. Beside the total variation there are experts, a `norm` of what
    `filters` [K, h, w] answer to a channel, and `colour_filters` to how it differs from the gray frame of the rounds;
    None for those that are left out.
    """

    data: Any
    temporal: Any
    latent_tv: Any
    model_error: Any
    latent: BlockOptions
    filters: Any
    colour_filters: Any
    norm: Norm = static()

    def experts(self, gray: Frames | None) -> Energy:
        """The terms of the experts; no `gray`, no colour."""
        terms: Energy = {}
        if self.filters is not None:
            terms["experts"] = Term(1.0, FieldOfExperts(self.filters), self.norm)
        if self.colour_filters is not None and gray is not None:
            terms["colour"] = Term(1.0, FieldOfExperts(self.colour_filters, gray), self.norm)
        return terms
