"""What a subproblem believes of neighbours and pixels while it is solved: pytrees from unknowns to observations."""

import jax.numpy as jnp

from gvd_jax.method.boundaries import blur_confidence
from gvd_jax.method.data_weight import clipping_confidence, data_worth
from gvd_jax.method.occlusion import inside, visibility
from gvd_jax.model.edge_map import edge_map
from gvd_jax.model.observation import Observation
from gvd_jax.model.unknowns import Unknowns
from gvd_jax.ops.warp import neighbour_exists
from gvd_jax.shapes import Number
from gvd_jax.trees import pytree, replace


@pytree
class Inside:
    """All neighbours whose frame holds the position: the flow's own check would exclude what is still to be matched.

    `edge_variance` is v_I of Eq. (7), squared intensity.
    """

    edge_variance: Number = jnp.inf

    def __call__(self, unknowns: Unknowns, observation: Observation) -> Observation:
        zeta = edge_map(unknowns.latent, self.edge_variance)
        return replace(observation, edge_map=zeta, visibility=inside(unknowns.flow, observation.continues))


@pytree
class Confirmed:
    """The neighbours that see a pixel, and blurry pixels as far as the flow is confirmed, clipping and noise allow.

    `unconfirmed` is the confidence where the flow back from neither neighbour returns, `ends` that of the first and
    last frame of a shot while their motion is a guess, `clipped` that of highlights which the sensor has clipped; as
    much noise as `model_error`, that of the blur model in display values, halves it. `data` scales Eq. (4),
    `neighbours` Eq. (5).
    """

    unconfirmed: Number = 1.0
    ends: Number = 1.0
    clipped: Number = 1.0
    model_error: Number = jnp.inf
    data: Number = 1.0
    neighbours: Number = 1.0

    def __call__(self, unknowns: Unknowns, observation: Observation) -> Observation:
        return self.weigh(self.see(unknowns, observation))

    def see(self, unknowns: Unknowns, observation: Observation) -> Observation:
        """What the flow says."""
        seen = visibility(unknowns.flow, observation.continues)
        trust = blur_confidence(seen, observation.continues, self.unconfirmed)
        known = neighbour_exists(observation.continues, (1, -1))
        trust = jnp.where((known[:, 0] != known[:, 1])[:, None, None], self.ends, 1.0) * trust * observation.confidence
        return replace(observation, visibility=self.neighbours * seen, confidence=trust)

    def weigh(self, observation: Observation) -> Observation:
        """What the blurry frames say themselves."""
        worth = data_worth(observation.blurry, observation.continues, self.model_error)
        weight = worth[:, None, None] * clipping_confidence(observation.blurry, self.clipped)
        return replace(observation, confidence=self.data * weight * observation.confidence)
