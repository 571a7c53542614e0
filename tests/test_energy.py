"""The energy of Eq. (8): its terms against the reference loops, its gradient, its sweeps, and terms of one's own."""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from gvd_jax.convex.norms import SquaredL2
from gvd_jax.errors import InputError
from gvd_jax.method.config import Config
from gvd_jax.method.deblur import deblur_pure
from gvd_jax.method.occlusion import inside
from gvd_jax.model.blur import Blur, GaussianDefocus, MotionBlur
from gvd_jax.model.edge_map import FLOOR, edge_map
from gvd_jax.model.energy import energy_gradient, evaluate, gvd_energy
from gvd_jax.model.observation import observe
from gvd_jax.model.terms import BRIGHTNESS, STRUCTURE, Term
from gvd_jax.model.unknowns import Unknowns
from gvd_jax.ops.exposure import piecewise_linear_path
from gvd_jax.ops.gaussian_defocus import discrete_gaussian, variance
from gvd_jax.ops.transfer import TRANSFERS
from gvd_jax.ops.warp import NEIGHBOURS
from gvd_jax.trees import replace
from tests.problems import random_clip, translating
from tests.references import blur, energy

SHAPE = (3, 7, 9, 3)
SCALES = (0.0, 0.5, 1.0)
TAPS = [discrete_gaussian(step, 4) for step in (0.25, 0.75)]  # radius: four standard deviations of the larger step
BLUR = Blur((MotionBlur(piecewise_linear_path, 3), GaussianDefocus(SCALES)))
ENERGY = gvd_energy(data=250.0, temporal=2.0, latent_tv=1.0, flow_tv=20.0, defocus_tv=10.0)
UNIT = gvd_energy(1.0, 1.0, 1.0, 1.0, 1.0)
TRACES = []
INNER = np.s_[:, :, 6:-6, 6:-6]  # of residuals [N, T, H, W, C]: no read beyond the border reaches these


@jax.jit
def energy_of(energy, unknowns, observation):
    TRACES.append(energy)
    return evaluate(energy, unknowns, observation)


@jax.jit
def blurred(unknowns, observation):
    return observation.blur(unknowns.latent, unknowns, observation)


gradient_of = jax.jit(energy_gradient)


def random_problem():
    """A random clip that only counts reads inside the neighbouring frame, as the reference loops do."""
    unknowns, observation = random_clip(SHAPE, blur=BLUR)
    return unknowns, replace(
        observation, visibility=observation.visibility * inside(unknowns.flow, observation.continues)
    )


def host(tree):
    return jax.tree.map(np.asarray, tree)


def reference_blur(v, o):
    """K G L by loops, defocus first."""
    focus = blur.gaussian_defocus(v.latent, np.asarray(variance(jnp.asarray(v.defocus))), SCALES, TAPS)
    return blur.motion_blur(focus, v.flow, o.duty_cycle, 3, blur.linear_path)


def by_neighbour(o):
    return {n: o.visibility[:, k] for k, n in enumerate(NEIGHBOURS)}


REFERENCES = {
    "eq4_data": (("data",), lambda v, o: energy.data_term(reference_blur(v, o), o.blurry)),
    "eq5_temporal": (
        ("temporal", "temporal_far"),
        lambda v, o: energy.temporal_term(v.latent, v.flow, by_neighbour(o)),
    ),
    "eq6_latent": (("latent_tv",), lambda v, o: energy.total_variation(v.latent)),
    "eq6_defocus": (("defocus_tv",), lambda v, o: energy.total_variation(v.defocus, o.edge_map)),
    "eq6_flow": (("flow_tv",), lambda v, o: energy.flow_variation(v.flow, o.edge_map)),
}


@pytest.mark.parametrize("name", REFERENCES)
def test_terms_equal_the_loops(x64, name):
    terms, reference = REFERENCES[name]
    clip = random_problem()
    parts = energy_of(UNIT, *clip)[1]
    np.testing.assert_allclose(sum(parts[term] for term in terms), reference(*host(clip)), rtol=1e-10)


def test_eq2_defocus_first_motion_second(x64):
    clip = random_problem()
    v, o = host(clip)
    np.testing.assert_allclose(blurred(*clip), reference_blur(v, o), rtol=1e-10)


def test_eq4_data_term_trusts_each_pixel_by_its_confidence(x64):
    unknowns, observation = random_problem()
    confidence = jnp.asarray(np.random.default_rng(3).uniform(size=SHAPE[:3]))
    part = energy_of(UNIT, unknowns, replace(observation, confidence=confidence))[1]["data"]
    v, o = host((unknowns, observation))
    error = reference_blur(v, o) - o.blurry
    expected = 0.0
    for i, y, x in np.ndindex(SHAPE[:3]):
        dx, dy = energy.differences(error[i], y, x)
        expected += confidence[i, y, x] * (0.25 * error[i, y, x] ** 2 + dx**2 + dy**2).sum()
    np.testing.assert_allclose(part, expected, rtol=1e-10)


@pytest.mark.parametrize("curve", TRANSFERS, ids=lambda c: c.name)
def test_eq4_light_adds_up_and_is_measured_in_display_values(x64, curve):
    """Light is blurred, and the difference divided by the slope of the curve at the blurry value, at least 0.1."""
    unknowns, observation = random_problem()
    part = energy_of({"data": UNIT["data"]}, unknowns, replace(observation, transfer=curve))[0]
    v, o = host((unknowns, observation))
    at, step = np.maximum(o.blurry, 0.1), 1e-6
    above, below, light, blurry = (
        np.asarray(curve.to_linear(jnp.asarray(x))) for x in (at + step, at - step, v.latent, o.blurry)
    )
    slope = (above - below) / (2 * step)
    difference = (reference_blur(replace(v, latent=light), o) - blurry) / slope
    np.testing.assert_allclose(part, energy.data_term(difference, 0 * difference), rtol=1e-6)


@pytest.mark.parametrize("channels", [1, 3])
def test_eq7_edge_map(x64, channels):
    latent = np.random.default_rng(0).uniform(size=(*SHAPE[:3], channels))
    latent[:, :, 4:] += 5.0  # an edge below the floor
    zeta = edge_map(jnp.asarray(latent), 0.1)
    np.testing.assert_allclose(zeta, energy.edge_map(latent, 0.1), rtol=1e-10)
    np.testing.assert_array_equal(zeta[:, :, 3], FLOOR)


def test_eq8_total_is_the_weighted_sum(x64):
    clip = random_problem()
    v, o = host(clip)
    total, parts = energy_of(ENERGY, *clip)
    weights = [ENERGY[name].weight for name in ("data", "temporal", "flow_tv", "defocus_tv")]
    expected = energy.total_energy(
        v.latent, v.flow, v.defocus, reference_blur(v, o), o.blurry, o.edge_map, weights, by_neighbour(o)
    )
    np.testing.assert_allclose(total, expected, rtol=1e-10)
    np.testing.assert_allclose(total, sum(parts.values()), rtol=1e-12)


@pytest.mark.parametrize("unknown", ["latent", "flow", "defocus"])
def test_eq8_gradient_equals_central_differences(x64, unknown):
    unknowns, observation = random_problem()
    x = unknowns[unknown]
    direction = jnp.asarray(np.random.default_rng(1).standard_normal(x.shape))
    step = 1e-7

    def total(t):
        return energy_of(ENERGY, replace(unknowns, **{unknown: x + t * direction}), observation)[0]

    expected = (total(step) - total(-step)) / (2 * step)
    gradient = gradient_of(ENERGY, unknowns, observation)[unknown]
    np.testing.assert_allclose(jnp.vdot(gradient, direction), expected, rtol=1e-5)


def test_eq8_gradient_is_zero_where_nothing_changes(x64):
    """The group norm has subgradient 0 at 0, never NaN."""
    unknowns, observation = random_problem()
    flat = jax.tree.map(lambda x: jnp.full(x.shape, 0.5, x.dtype), unknowns)
    alone = ENERGY | {name: replace(ENERGY[name], weight=0.0) for name in ("temporal", "temporal_far")}
    gradient = gradient_of(alone, flat, replace(observation, blurry=flat.latent))
    for leaf in jax.tree.leaves(gradient):
        np.testing.assert_allclose(leaf, 0, atol=1e-9)


@pytest.mark.parametrize("sigma", [0.0, 1e-3, 0.1])
def test_data_term_pulls_a_small_sigma_towards_the_truth(x64, sigma):
    """Frames in focus of a stronger blur: every sharp pixel wants more defocus, even from none."""
    unknowns, observation = random_clip(SHAPE, motion=0.0, blur=BLUR)
    blurry = blurred(replace(unknowns, defocus=0 * unknowns.defocus + 0.4), observation)
    guess = replace(unknowns, defocus=0 * unknowns.defocus + sigma)
    data_only = gvd_energy(1.0, 0.0, 0.0, 0.0, 0.0)
    pull = -gradient_of(data_only, guess, replace(observation, blurry=blurry)).defocus
    assert pull.mean() > 0.05 and (pull > 0).mean() > 0.95


def test_new_weights_do_not_retrace_and_vmap_equals_the_loop(x64):
    clip = random_problem()
    sweep = jax.tree.map(lambda w: jnp.linspace(w, 3 * w, 3), ENERGY)
    each = [jax.tree.map(lambda w, k=k: w[k], sweep) for k in range(3)]
    energy_of(each[0], *clip)
    traced = len(TRACES)
    totals = [energy_of(energy, *clip)[0] for energy in each]
    assert len(TRACES) == traced
    at_once = jax.vmap(partial(energy_of, unknowns=clip[0], observation=clip[1]))(sweep)[0]
    np.testing.assert_allclose(at_once, totals, rtol=1e-12)


def test_a_term_of_ones_own_is_a_function_and_an_entry(x64):
    def darkness(unknowns, observation):
        return unknowns.latent - 0.1 * observation.blurry

    unknowns, observation = random_problem()
    own = ENERGY | {"dark": Term(0.3, darkness, SquaredL2())}
    total, parts = energy_of(own, unknowns, observation)
    residual = np.asarray(unknowns.latent) - 0.1 * np.asarray(observation.blurry)
    np.testing.assert_allclose(parts["dark"], 0.3 * (residual**2).sum(), rtol=1e-12)
    np.testing.assert_allclose(total - parts["dark"], energy_of(ENERGY, unknowns, observation)[0], rtol=1e-12)
    alone = energy_gradient({"dark": own["dark"]}, unknowns, observation)
    np.testing.assert_allclose(alone.latent, 0.6 * residual, rtol=1e-12)


@partial(jax.jit, static_argnums=0)
def constancy(residual, latent, flow):
    """Residuals at n = 1 and n = -1, [2, T, H, W, features]."""
    features = residual(Unknowns(latent=latent, flow=flow), observe(latent, jnp.full(3, 0.3)))
    return jnp.moveaxis(jnp.stack(features, -1), 1, 0)


@pytest.mark.parametrize("velocity", [(0, 0), (2, 0), (-1, 3)], ids=str)
@pytest.mark.parametrize("residual", [BRIGHTNESS, STRUCTURE], ids=["brightness", "structure"])
def test_constancy_vanishes_for_exact_translation(x64, residual, velocity):
    latent, flow = translating(velocity)
    np.testing.assert_allclose(constancy(residual, latent, flow)[INNER], 0, atol=1e-12)
    assert jnp.abs(constancy(residual, latent, flow + 0.5)[INNER]).mean() > 0.1


def test_constancy_measures_pixels(x64):
    """Along a ramp, brightness is off by as many pixels as the flow is, softened by the gradient of noise."""
    t, _, x = np.mgrid[:3, :15, :17].astype(float)
    _, flow = translating((1.25, 0))
    off = constancy(BRIGHTNESS, jnp.asarray(0.05 * (x - t))[..., None], flow)[INNER]
    expected = 0.25 * 0.05 / np.hypot(0.05, BRIGHTNESS.softness)
    np.testing.assert_allclose(off[1, 1:], expected, rtol=1e-10)  # n = -1 reads too far left, where it is darker
    np.testing.assert_allclose(off[0, :-1], -expected, rtol=1e-10)
    np.testing.assert_array_equal(off[1, 0], 0)  # there is no frame before the first


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
@pytest.mark.parametrize("asked", [observe, partial(deblur_pure, config=Config.fast())])
def test_numbers_that_are_too_short_are_refused(asked, kind):
    frames = jax.ShapeDtypeStruct((2, 16, 16, 1), kind)
    with pytest.raises(InputError, match=rf"^frames are {kind} of shape \(2, .*; give float32 in"):
        jax.eval_shape(partial(asked, duty_cycle=0.25), frames)


def test_observe_sees_every_neighbour_that_exists():
    seen = observe(jnp.zeros((4, 2, 3, 1)), jnp.asarray(0.25))
    np.testing.assert_array_equal(seen.visibility[:, :, 0, 0], [[1, 0, 1, 0], [1, 1, 1, 0], [1, 1, 0, 1], [0, 1, 0, 1]])
    np.testing.assert_array_equal(seen.duty_cycle, np.full(4, 0.25, np.float32))
    assert (seen.edge_map == 1).all() and (seen.confidence == 1).all()


def test_equal_residuals_are_one_program():
    one, other = map(jax.tree.structure, (UNIT, ENERGY))
    assert one == other and hash(one) == hash(other)
    frames = jnp.zeros((2, 3, 4, 1))
    same, blur = (observe(frames, 0.25, b) for b in (Blur(), None)), Blur((MotionBlur(samples=3),))
    assert len({jax.tree.structure(o) for o in (*same, observe(frames, 0.5, Blur()))}) == 1
    assert jax.tree.structure(observe(frames, 0.25, blur)) != jax.tree.structure(observe(frames, 0.25))
