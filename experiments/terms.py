"""Three terms that the paper does not have: worked examples of how one is added.

Each is a residual, a norm and a weight; `Config.with_term` says how a subproblem treats it.
"""

import jax.numpy as jnp

import gvd_jax as gvd
from gvd_jax.model.terms import ABSOLUTE, ISOTROPIC, TEMPORAL, latent_gradient, visible_at
from gvd_jax.ops.resize import resize_flow
from gvd_jax.shapes import Flow


# --8<-- [start:hyper_laplacian]
def with_hyper_laplacian(config: gvd.Config, weight: float, exponent: float = 0.8) -> gvd.Config:
    """|grad L|^exponent in place of the total variation of latent frames (Krishnan and Fergus 2009).

    It is not convex: reweighting makes squares of it, around the latent frames of every linearisation.
    """
    prior = gvd.Term(weight, latent_gradient, gvd.HyperLaplacian(exponent))
    return config.without_term("latent_tv").with_term("hyper_laplacian", prior, latent="quadratic")


# --8<-- [end:hyper_laplacian]


# --8<-- [start:exposure_change]
def under_exposure_change(unknowns: gvd.Unknowns, observation: gvd.Observation):
    """Eq. (5) up to a brightness that both frames may differ by: the residual less its mean over what is seen."""

    def centred(difference, seen):
        mean = difference.sum((1, 2)) / jnp.maximum(seen.sum((1, 2)), 1.0)
        return difference - seen * mean[:, None, None]

    seen = visible_at(1, observation)
    differences = TEMPORAL(unknowns, observation)
    return tuple(tuple(centred(d, seen[:, k]) for d in differences[k]) for k in (0, 1))


def with_exposure_change(config: gvd.Config) -> gvd.Config:
    """Neighbours bind latent frames up to a change of exposure. The mean is linear: the term stays a dual one."""
    term = gvd.Term(config.weights.temporal, under_exposure_change, ABSOLUTE)
    return config.without_term("temporal_far").with_term("temporal", term, latent="dual")


# --8<-- [end:exposure_change]


# --8<-- [start:camera_motion]
@gvd.pytree
class CameraMotion:
    """The difference to a flow [T, 2, H, W, 2] of full size that the camera explains: from a gyroscope, say.

    Traced: another motion compiles nothing anew.
    """

    known: Flow

    def __call__(self, unknowns: gvd.Unknowns, observation: gvd.Observation):
        difference = unknowns.flow - resize_flow(self.known, *unknowns.flow.shape[2:4])
        return difference[..., 0], difference[..., 1]


def with_camera_motion(config: gvd.Config, known: Flow, weight: float = 0.1) -> gvd.Config:
    """Draws the flow to the `known` one. The norm is not squared: what moves by itself pays, but is let go."""
    return config.with_term("camera", gvd.Term(weight, CameraMotion(known), ISOTROPIC), flow="pointwise")


# --8<-- [end:camera_motion]
