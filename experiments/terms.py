"""Three terms that the paper does not have: worked examples of how one is added.

Each is a residual, a norm and a weight; `Config.with_term` says how a subproblem treats it.
"""

import jax
import jax.numpy as jnp

import gvd_jax as gvd


# --8<-- [start:hyper_laplacian]
def with_hyper_laplacian(config: gvd.Config, weight: float, exponent: float = 0.8) -> gvd.Config:
    """|grad L|^exponent in place of the total variation of latent frames (Krishnan and Fergus 2009).

    It is not convex: reweighting makes squares of it, around the latent frames of every linearisation.
    """
    gradient = config.energy["latent_tv"].residual
    prior = gvd.Term(weight, gradient, gvd.HyperLaplacian(exponent))
    return config.without_term("latent_tv").with_term("hyper_laplacian", prior, latent=gvd.Quadratic())


# --8<-- [end:hyper_laplacian]


# --8<-- [start:exposure_change]
temporal = gvd.Config.default().energy["temporal"].residual  # Eq. (5): the differences to the next frame and the last


def under_exposure_change(unknowns: gvd.Unknowns, observation: gvd.Observation):
    """Eq. (5) up to a brightness that both frames may differ by: the residual less its mean over what is seen."""

    def centred(difference, seen):
        mean = difference.sum((1, 2)) / jnp.maximum(seen.sum((1, 2)), 1.0)
        return difference - seen * mean[:, None, None]

    differences = temporal(unknowns, observation)
    return tuple(tuple(centred(d, observation.visibility[:, k]) for d in differences[k]) for k in (0, 1))


def with_exposure_change(config: gvd.Config) -> gvd.Config:
    """Neighbours bind latent frames up to a change of exposure. The mean is linear: the term keeps its dual roles."""
    term = gvd.Term(config.energy["temporal"].weight, under_exposure_change, gvd.L1())
    return config.without_term("temporal_far").with_term("temporal", term)


# --8<-- [end:exposure_change]


# --8<-- [start:camera_motion]
@gvd.pytree
class CameraMotion:
    """The difference to a flow [T, 2, H, W, 2] of full size that the camera explains: from a gyroscope, say.

    Traced: another motion compiles nothing anew. `held` says that it goes along to levels and parts of the clip.
    """

    known: jax.Array = gvd.held("T 2 H W 2", to_level=gvd.FLOW.to_level)

    def __call__(self, unknowns: gvd.Unknowns, observation: gvd.Observation):
        difference = unknowns.flow - self.known
        return difference[..., 0], difference[..., 1]


def with_camera_motion(config: gvd.Config, known: jax.Array, weight: float = 0.1) -> gvd.Config:
    """Draws the flow to the `known` one. The norm is not squared: what moves by itself pays, but is let go."""
    per_pixel = gvd.Linearised(gvd.GaussNewton(gvd.PerPixel()))
    return config.with_term("camera", gvd.Term(weight, CameraMotion(known), gvd.GroupL2(floor=0.02)), flow=per_pixel)


# --8<-- [end:camera_motion]
