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
from gvd_jax.method.problem import on_level
from gvd_jax.model.terms import ABSOLUTE, ISOTROPIC, TEMPORAL, latent_gradient
from gvd_jax.solve.linearise import Point, is_affine
from tests.problems import random_clip
from tests.settings import small

CLIP = random_clip((3, 4, 5, 1), "float32")
pytestmark = pytest.mark.usefixtures("hurry")
ENERGY = gvd.gvd_energy(data=100.0, temporal=1.0, latent_tv=1.0, flow_tv=1.0, defocus_tv=1.0)


LATENT = gvd.LATENT_BLOCK
PER_PIXEL = gvd.Linearised(gvd.GaussNewton(gvd.PerPixel()))


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
UNKNOWNS = {unknown.name: unknown for unknown in (gvd.LATENT, gvd.FLOW, gvd.DEFOCUS)}


@pytest.mark.parametrize("unknown, residual, affine", AFFINE)
def test_what_is_affine(unknown, residual, affine):
    assert is_affine(gvd.Term(1.0, residual, ABSOLUTE), Point(UNKNOWNS[unknown], *CLIP)) == affine


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
        (LATENT.with_term("mine", gvd.Dual()), "'mine' is not affine in the latent, as a dual term must be"),
        (LATENT.with_term("mine", gvd.Quadratic()), "'mine' is not affine in the latent, as a quadratic term must be"),
        (LATENT.with_term("other", gvd.Dual()), "declares a term 'other', which the energy does not have"),
        (LATENT.with_term("rough", gvd.Dual()), "has no prox"),
        (LATENT.without(*LATENT.roles), "the latent block has no terms"),
        (LATENT.with_term("flat", PER_PIXEL), "has a residual of shape .3, 1., which is none per pixel .3, 4, 5."),
    ],
)
def test_a_wrong_declaration_says_so(block, message):
    energy = ENERGY | {
        "mine": gvd.Term(1.0, absolute, ABSOLUTE),
        "rough": gvd.Term(1.0, latent_gradient, gvd.HyperLaplacian(0.8)),
        "flat": gvd.Term(1.0, drift, ABSOLUTE),
    }
    with pytest.raises(gvd.InputError, match=message) as caught:
        gvd.solve_subproblem(block, energy, *CLIP, gvd.BlockOptions())
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "roles, message",
    [
        ({"defocus": gvd.Linearised()}, "these settings have no defocus subproblem for the term 'mine'"),
        ({"latent": "convex"}, "'convex' is not a role of a term: choose Dual"),
    ],
)
def test_a_role_that_cannot_be_says_so(roles, message):
    with_term = gvd.Config.with_term.__wrapped__  # types are checked here, and not by users
    with pytest.raises(gvd.InputError, match=message):
        with_term(gvd.Config.default(), "mine", gvd.Term(1.0, drift, ABSOLUTE), **roles)


def test_roles_come_and_go():
    config = gvd.Config.default()
    mine = gvd.Term(1.0, drift, ABSOLUTE)
    changed = config.with_term("mine", mine, latent=gvd.Dual(3.0), flow=gvd.Linearised())
    for block, before in zip(changed.blocks, config.blocks, strict=True):
        own = gvd.Dual(3.0) if block.unknown.name == "latent" else gvd.Linearised()
        assert block.roles == before.roles | {"mine": own}
    assert changed.energy["mine"] is mine
    moved = changed.with_term("mine", gvd.Term(2.0, drift, ABSOLUTE), latent=gvd.Quadratic())
    assert moved.energy["mine"].weight == 2.0
    for block, before in zip(moved.blocks, config.blocks, strict=True):
        assert block.dual == before.dual
        assert block.roles.get("mine") == (gvd.Quadratic() if block.unknown.name == "latent" else None)
    assert changed.without_term("mine") == config
    assert "mine" not in config.energy  # frozen


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
BLUR = gvd.Blur((gvd.MotionBlur(samples=3),))


@pytest.fixture(scope="module")
def clip():
    """Steps in motion to the right, their flow and the exposure, [T, H, W, 1]."""
    y, x = np.mgrid[:HEIGHT, :WIDTH]
    sharp = np.stack([0.3 + 0.4 * (((x - 3 * i) // 6 + y // 8) % 2) for i in range(FRAMES)])[..., None]
    flow = np.zeros((FRAMES, 2, HEIGHT, WIDTH, 2), np.float32)
    flow[:, 0, ..., 0], flow[:, 1, ..., 0] = 3.0, -3.0
    sharp, flow = jnp.asarray(sharp, jnp.float32), jnp.asarray(flow)
    return BLUR(sharp, gvd.Unknowns(flow=flow), gvd.observe(sharp, TAU)), sharp, flow


def solved(config, unknown, blurry, flow, **options):
    """The first subproblem of an unknown, from the given flow."""
    stage = next(stage for stage in small(config).stages if stage.name == unknown)
    unknowns, observation = gvd.Unknowns(latent=blurry, flow=flow), gvd.observe(blurry, TAU, BLUR)
    options = gvd.replace(stage.options, **options)
    return gvd.solve_subproblem(stage.block, config.energy, unknowns, observation, options)[0][unknown]


def error(latent, sharp):
    return float(jnp.square(latent - sharp)[1].mean())


def test_a_hyper_laplacian_restores_steps_better_than_total_variation(clip):
    blurry, sharp, flow = clip
    noisy = blurry + 0.02 * jax.random.normal(jax.random.key(0), blurry.shape)
    config = gvd.Config.default().with_weights(data=100.0, temporal=0.3, temporal_far=0.3)
    configs = config, with_hyper_laplacian(config, 0.5)
    plain, sparse = (error(solved(c, "latent", noisy, flow), sharp) for c in configs)
    assert sparse < 0.7 * plain  # the best of any data weight for the total variation
    unknowns = gvd.Unknowns(latent=sharp, flow=flow)
    term = configs[1].energy["hyper_laplacian"]
    observation = gvd.observe(blurry, TAU)
    slopes = np.concatenate([np.ravel(d) for d in jax.tree.leaves(latent_gradient(unknowns, observation))])
    expected = ((slopes**2 + 0.004**2) ** 0.4).sum()
    np.testing.assert_allclose(value(term.norm, term.residual(unknowns, observation)), expected, rtol=1e-4)
    assert term.weight == 0.5


def test_exposure_change_binds_frames_of_other_exposures(clip):
    """A brighter middle frame: with its mean taken out, Eq. (5) knows nothing of it, and without, it is drawn down."""
    blurry, sharp, flow = clip
    offset = jnp.array([0.0, 0.1, 0.0])[:, None, None, None]
    config = gvd.Config.default().with_weights(data=20.0, temporal=3.0, temporal_far=3.0, latent_tv=0.3)
    configs = config, with_exposure_change(config)
    plain, aware = (error(solved(c, "latent", blurry + offset, flow), sharp + offset) for c in configs)
    assert aware < 0.7 * plain
    unknowns = gvd.Unknowns(latent=sharp + offset, flow=flow)
    observation = gvd.observe(blurry, TAU)
    inside = slice(4, -4)
    residual = np.stack(jax.tree.leaves(under_exposure_change(unknowns, observation)))[:, 1, inside, inside]
    plainly = np.stack(jax.tree.leaves(TEMPORAL(unknowns, observation)))[:, 1, inside, inside]
    assert np.abs(residual).mean() < 0.3 * np.abs(plainly).mean()


def test_a_known_camera_motion_fills_what_shows_nothing(clip):
    """Flat frames: only the term knows how they move, at full size and at half of it."""
    _, _, flow = clip
    gray = jnp.full((FRAMES, HEIGHT, WIDTH, 1), 0.5)
    config = with_camera_motion(gvd.Config.default(), flow)
    found = solved(config, "flow", gray, jnp.zeros_like(flow), radius=10.0)
    np.testing.assert_allclose(found, flow, atol=0.05)
    at_half = on_level(config.energy["camera"], (12, 16)).residual
    half = at_half(gvd.Unknowns(flow=jnp.zeros((FRAMES, 2, 12, 16, 2))), gvd.observe(gray, TAU))
    np.testing.assert_allclose(half[0][:, 0], -1.5, atol=1e-5)
