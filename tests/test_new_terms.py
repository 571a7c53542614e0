"""Terms of one's own: the worked examples, the roles of a block, and what a wrong declaration says."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

import gvd_jax as gvd
from experiments.terms import (
    CameraMotion,
    under_exposure_change,
    with_camera_motion,
    with_exposure_change,
    with_hyper_laplacian,
)
from gvd_jax.convex.norms import value
from gvd_jax.model.terms import ABSOLUTE, ISOTROPIC, TEMPORAL, latent_gradient
from gvd_jax.solve.linearise import is_affine
from tests.problems import random_clip

CLIP = random_clip((3, 4, 5, 1), "float32")
pytestmark = pytest.mark.usefixtures("hurry")
WEIGHTS = gvd.Weights(data=100.0, temporal=1.0, latent_tv=1.0, flow_tv=1.0, defocus_tv=1.0)


def absolute(unknowns, observation):
    return jnp.abs(unknowns.latent)


def product(unknowns, observation):
    return unknowns.latent * unknowns.latent


def drift(unknowns, observation):
    return (2.0 * unknowns.latent - observation.blurry + 1.0).mean((1, 2))


AFFINE = [
    ("latent", drift, True),
    ("latent", latent_gradient, True),
    ("latent", TEMPORAL, True),
    ("latent", under_exposure_change, True),
    ("latent", gvd.FieldOfExperts(jnp.ones((2, 3, 3))), True),
    ("flow", CameraMotion(CLIP[0].flow), True),
    ("defocus", drift, True),
    ("flow", TEMPORAL, False),
    ("latent", absolute, False),
    ("latent", product, False),
]


@pytest.mark.parametrize("unknown, residual, affine", AFFINE)
def test_what_is_affine(unknown, residual, affine):
    block = {"latent": gvd.LATENT, "flow": gvd.FLOW, "defocus": gvd.DEFOCUS}[unknown]
    assert is_affine(gvd.Term(1.0, residual, ABSOLUTE), block, *CLIP) == affine


@pytest.mark.parametrize("size", [(3, 3), (2, 4), (1, 1)])
def test_experts_are_correlations_under_a_repeated_border(size):
    rng = np.random.default_rng(0)
    filters, latent = rng.standard_normal((2, *size)).astype(np.float32), np.asarray(CLIP[0].latent)
    responses = gvd.FieldOfExperts(jnp.asarray(filters))(*CLIP)
    assert [r.shape for r in responses] == [(3, 2, 4, 5)]
    for frame, k in np.ndindex(3, 2):
        expected = ndimage.correlate(latent[frame, ..., 0], filters[k], mode="nearest")
        np.testing.assert_allclose(responses[0][frame, k], expected, atol=1e-5)


@pytest.mark.parametrize(
    "block, message",
    [
        (gvd.LATENT.with_term("mine", "dual"), "'mine' is not affine in the latent, as a dual term must be"),
        (gvd.LATENT.with_term("other", "dual"), "declares a term 'other', which the energy does not have"),
    ],
)
def test_a_wrong_declaration_says_so(block, message):
    energy = gvd.gvd_energy(WEIGHTS) | {"mine": gvd.Term(1.0, absolute, ABSOLUTE)}
    with pytest.raises(gvd.InputError, match=message):
        gvd.solve_subproblem(block, energy, *CLIP, gvd.BlockOptions())


@pytest.mark.parametrize(
    "roles, message",
    [
        ({"defocus": "linearised"}, "these settings have no defocus subproblem for the term 'mine'"),
        ({"latent": "convex"}, "'convex' is not a role of a term: choose quadratic, dual, linearised, pointwise"),
    ],
)
def test_a_role_that_cannot_be_says_so(roles, message):
    with_term = gvd.Config.with_term.__wrapped__  # types are checked here, and not by users
    with pytest.raises(gvd.InputError, match=message):
        with_term(gvd.Config.default(), "mine", gvd.Term(1.0, drift, ABSOLUTE), **roles)


def test_a_norm_without_prox_says_so():
    energy = gvd.gvd_energy(WEIGHTS) | {"latent_tv": gvd.Term(1.0, latent_gradient, gvd.HyperLaplacian(0.8))}
    with pytest.raises(gvd.InputError, match="no prox"):
        gvd.solve_subproblem(gvd.LATENT, energy, *CLIP, gvd.BlockOptions())


def test_roles_come_and_go():
    config = gvd.Config.default()
    changed = config.with_term("mine", gvd.Term(1.0, drift, ABSOLUTE), latent="dual", flow="linearised")
    latent, flow = changed.blocks
    assert latent.dual == (*gvd.LATENT.dual, "mine") and "mine" in flow.linearised
    assert changed.energy(latent, 4)["mine"].weight == 1.0
    moved = changed.with_term("mine", gvd.Term(2.0, drift, ABSOLUTE), latent="quadratic")
    assert moved.latent_block.quadratic == ("data", "mine") and moved.latent_block.dual == gvd.LATENT.dual
    assert "mine" not in moved.blocks[1].terms
    assert changed.without_term("mine").blocks == config.blocks
    assert config.extra_terms == {}  # frozen


def test_arrays_of_a_residual_are_traced_and_its_code_is_not():
    known = jnp.arange(6.0)
    term = gvd.Term(2.0, CameraMotion(known), ISOTROPIC)
    np.testing.assert_array_equal(jax.tree.leaves(term)[1], known)
    assert jax.tree.leaves(gvd.Term(2.0, drift, ABSOLUTE)) == [2.0]
    assert jax.tree.structure(term) == jax.tree.structure(gvd.Term(3.0, CameraMotion(-known), ISOTROPIC))
    assert jax.tree.structure(term) != jax.tree.structure(gvd.Term(2.0, CameraMotion(known), ABSOLUTE))
    doubled = jax.jit(lambda t: jax.tree.map(lambda x: 2 * x, t))(term)
    assert doubled.norm == ISOTROPIC
    np.testing.assert_array_equal(doubled.residual.known, 2 * known)


# What a term is for, on a clip where it knows what the method does not.
FRAMES, HEIGHT, WIDTH, TAU = 3, 24, 32, 0.5


def small(config):
    """Latent frames and flow at full size, once, without the search for a start: few programs."""
    return gvd.replace(
        config,
        samples=3,
        pyramid=type(config.pyramid)(),
        search=None,
        edges=None,
        blend=None,
        scales=(),
        start_defocus=0.0,
    )


@pytest.fixture(scope="module")
def clip():
    """Steps in motion to the right, their flow and the exposure, [T, H, W, 1]."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    sharp = np.stack([0.3 + 0.4 * (((x - 3 * i) // 6 + y // 8) % 2) for i in range(FRAMES)])[..., None]
    flow = np.zeros((FRAMES, 2, HEIGHT, WIDTH, 2), np.float32)
    flow[:, 0, ..., 0], flow[:, 1, ..., 0] = 3.0, -3.0
    sharp, flow = jnp.asarray(sharp, jnp.float32), jnp.asarray(flow)
    blur = gvd.BlurModel(samples=3, scales=())
    return blur(sharp, flow, jnp.zeros(sharp.shape[:3]), jnp.full(FRAMES, TAU)), sharp, flow


def solved(config, blurry, flow):
    """Latent frames of the first subproblem with the given flow."""
    config = small(config)
    block = config.latent_block
    unknowns = gvd.Unknowns(blurry, flow, jnp.zeros(blurry.shape[:3]))
    observation = gvd.observe(blurry, jnp.full(FRAMES, TAU))
    return gvd.solve_subproblem(block, config.energy(block, 3), unknowns, observation, config.latent)[0].latent


def error(latent, sharp):
    return float(jnp.square(latent - sharp)[1].mean())


def test_a_hyper_laplacian_restores_steps_better_than_total_variation(clip):
    blurry, sharp, flow = clip
    noisy = blurry + 0.02 * jax.random.normal(jax.random.key(0), blurry.shape)
    config = gvd.replace(gvd.Config.default(), weights=gvd.replace(WEIGHTS, temporal=0.3))
    plain, sparse = (error(solved(c, noisy, flow), sharp) for c in (config, with_hyper_laplacian(config, 0.5)))
    assert sparse < 0.7 * plain  # the best of any data weight for the total variation
    unknowns = gvd.Unknowns(sharp, flow, sharp[..., 0])
    term = with_hyper_laplacian(config, 0.5).energy(gvd.LATENT, 3)["hyper_laplacian"]
    observation = gvd.observe(blurry, TAU)
    slopes = np.concatenate([np.ravel(d) for d in jax.tree.leaves(latent_gradient(unknowns, observation))])
    expected = ((slopes**2 + 0.004**2) ** 0.4).sum()
    np.testing.assert_allclose(value(term.norm, term.residual(unknowns, observation)), expected, rtol=1e-4)
    assert term.weight == 0.5


def test_exposure_change_binds_frames_of_other_exposures(clip):
    """A brighter middle frame: with its mean taken out, Eq. (5) knows nothing of it, and without, it is drawn down."""
    blurry, sharp, flow = clip
    offset = jnp.array([0.0, 0.1, 0.0])[:, None, None, None]
    config = gvd.replace(gvd.Config.default(), weights=gvd.replace(WEIGHTS, data=20.0, temporal=3.0, latent_tv=0.3))
    plain, aware = (
        error(solved(c, blurry + offset, flow), sharp + offset) for c in (config, with_exposure_change(config))
    )
    assert aware < 0.7 * plain
    unknowns = gvd.Unknowns(sharp + offset, flow, sharp[..., 0])
    observation = gvd.observe(blurry, TAU)
    inside = slice(4, -4)
    residual = np.stack(jax.tree.leaves(under_exposure_change(unknowns, observation)))[:, 1, inside, inside]
    plainly = np.stack(jax.tree.leaves(TEMPORAL(unknowns, observation)))[:, 1, inside, inside]
    assert np.abs(residual).mean() < 0.3 * np.abs(plainly).mean()


def test_a_known_camera_motion_fills_what_shows_nothing(clip):
    """Flat frames: only the term knows how they move, at full size and at half of it."""
    _, _, flow = clip
    gray = jnp.full((FRAMES, HEIGHT, WIDTH, 1), 0.5)
    config = small(with_camera_motion(gvd.Config.default(), flow))
    block = config.blocks[1]
    unknowns = gvd.Unknowns(gray, jnp.zeros_like(flow), gray[..., 0])
    options = gvd.replace(config.flow, radius=10.0)
    found = gvd.solve_subproblem(block, config.energy(block, 3), unknowns, gvd.observe(gray, TAU), options)[0].flow
    np.testing.assert_allclose(found, flow, atol=0.05)
    half = CameraMotion(flow)(
        gvd.Unknowns(gray, jnp.zeros((FRAMES, 2, 12, 16, 2)), gray[..., 0]), gvd.observe(gray, TAU)
    )
    np.testing.assert_allclose(half[0][:, 0], -1.5, atol=1e-5)
