"""Every role of a term in every block of every preset: a program, or one line that says what is wrong."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gvd_jax as gvd
from gvd_jax.model.terms import SQUARED
from tests.problems import random_clip
from tests.settings import small

PRESETS = {name: getattr(gvd.Config, name)() for name in ("default", "fast", "learned", "paper", "gvd2015")}
PER_PIXEL = gvd.Linearised(gvd.GaussNewton(gvd.PerPixel()))
ROLES = {
    "dual": gvd.Dual(),
    "quadratic": gvd.Quadratic(),
    "linearised": gvd.Linearised(),
    "per_pixel": PER_PIXEL,
    "gradient": gvd.Linearised(gvd.Gradient()),
    "difference": gvd.Linearised(gvd.FiniteDifference()),
}
FOR_ANY = {"linearised", "per_pixel", "gradient", "difference"}  # residuals; the others are for affine ones
BLUR = gvd.Blur((gvd.MotionBlur(samples=2), gvd.GaussianDefocus((0.0, 1.0))))
UNKNOWNS, OBSERVATION = random_clip((3, 4, 5, 1), "float32", blur=BLUR)
UNKNOWNS = gvd.replace(UNKNOWNS, gray=UNKNOWNS.latent)  # which the last solve has

solved = jax.jit(gvd.solve_subproblem)  # what was traced once is not traced again
pytestmark = pytest.mark.usefixtures("hurry")


def trace(config, unknown=None):
    """Trace every subproblem of the settings, or those of an unknown: how many there are."""
    count = 0
    for stage in config.stages:
        for block in jax.tree.leaves(stage, is_leaf=lambda node: isinstance(node, gvd.Block)):
            if isinstance(block, gvd.Block) and unknown in (None, block.unknown.name):
                energy = {name: term for name, term in config.energy.items() if name in block.roles}
                options = getattr(stage, "options", gvd.BlockOptions())
                found, info = jax.eval_shape(solved, block, energy, UNKNOWNS, OBSERVATION, options)
                assert found[block.unknown.name].shape == UNKNOWNS[block.unknown.name].shape
                assert set(info.after) == set(block.roles)
                count += 1
    return count


@gvd.pytree
class Distance:
    """How far an unknown is from a number, per pixel: as it is, or squared and so no more affine."""

    unknown: str = gvd.static()
    squared: bool = gvd.static(default=False)

    def __call__(self, unknowns, observation):
        x = unknowns[self.unknown] - 0.4
        x = x * x if self.squared else x
        return x if self.unknown == "defocus" else tuple(x[..., k] for k in range(x.shape[-1]))


CASES = [
    (preset, unknown)
    for preset, config in PRESETS.items()
    for unknown in sorted({block.unknown.name for block in config.blocks})
]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("preset, unknown", CASES)
def test_a_term_of_any_role_joins_any_subproblem(preset, unknown, role):
    term = gvd.Term(1.0, Distance(unknown), SQUARED)
    assert trace(PRESETS[preset].with_term("mine", term, **{unknown: ROLES[role]}), unknown)


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("unknown", ["latent", "flow"])
def test_only_affine_residuals_are_dual_or_quadratic(unknown, role):
    term = gvd.Term(1.0, Distance(unknown, squared=True), SQUARED)
    config = gvd.Config.default().with_term("mine", term, **{unknown: ROLES[role]})
    if role in FOR_ANY:
        assert trace(config, unknown)
        return
    with pytest.raises(
        gvd.InputError, match=f"the term 'mine' is not affine in the {unknown}, as a {role} term"
    ) as caught:
        trace(config, unknown)
    assert "\n" not in str(caught.value) and "Linearised()" in str(caught.value)


@pytest.mark.parametrize("preset, name", [(p, name) for p, config in PRESETS.items() for name in config.energy])
def test_every_preset_does_without_any_of_its_terms(preset, name):
    config = PRESETS[preset].without_term(name)
    assert name not in config.energy and all(name not in block.roles for block in config.blocks)
    assert trace(config)


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_takes_a_dual_term_in_the_place_of_the_far_neighbours(preset):
    """In all its latent subproblems: another term, and one less, in each."""
    term = gvd.Term(1.0, Distance("latent"), gvd.L1())
    config = PRESETS[preset].with_term("mine", term, latent=gvd.Dual()).without_term("temporal_far")
    assert trace(config)
    for block in config.blocks:
        assert ("mine" in block.dual) == (block.unknown.name == "latent") and "temporal_far" not in block.roles


@pytest.mark.parametrize("change", [lambda c, n: c.without_term(n), lambda c, n: c.with_weights(**{n: 1.0})])
def test_a_term_that_is_not_there_is_named(change):
    with pytest.raises(gvd.InputError, match="no term 'defocus_tv': there are brightness, data, flow_tv") as caught:
        change(gvd.Config.default(), "defocus_tv")
    assert "\n" not in str(caught.value)


def neighbours(unknowns, observation):
    """What a pixel's own matrix does not hold: the pixel beside it."""
    return (unknowns.flow - jnp.roll(unknowns.flow, 1, 3) + 1)[..., 0]


def one_per_frame(unknowns, observation):
    return unknowns.flow.mean((1, 2, 3, 4))


def deeper(unknowns, observation):
    return unknowns.latent - unknowns.depth


def undefined(unknowns, observation):
    return jnp.log(unknowns.latent - 2)


def undefined_flow(unknowns, observation):
    return jnp.sqrt(unknowns.flow - 1000)


@pytest.mark.parametrize("residual, holds", [(Distance("flow"), True), (neighbours, False)])
def test_a_term_that_is_not_per_pixel_moves_nothing(residual, holds):
    block = gvd.Block(gvd.FLOW, {"mine": PER_PIXEL})
    energy = {"mine": gvd.Term(1.0, residual, SQUARED)}
    found, info = solved(block, energy, UNKNOWNS, OBSERVATION, gvd.BlockOptions())
    assert (info.status == gvd.Status.NOT_PER_PIXEL).all() == (not holds)
    assert (found.flow == UNKNOWNS.flow).all() == (not holds)
    assert (info.length == 0).all() == (not holds)
    before, after = info.before["mine"], info.after["mine"]
    assert after < before if holds else after == before


FIRST = np.asarray(OBSERVATION.blurry[0])
FRAMES = np.stack([np.roll(FIRST, k, 1) for k in range(len(OBSERVATION.blurry))])  # of one scene
STILL = np.zeros((3, 2, 4, 5, 2), np.float32)
PLACE = r"the stage '{}' on level 1 of 1 \(5x4\) "
BAD = {  # what feels it, its role and residual, and what is said
    "not per pixel": ("flow", PER_PIXEL, neighbours, PLACE.format("flow") + r"has a term declared PerPixel\(\)"),
    "per frame": ("flow", PER_PIXEL, one_per_frame, r"'mine' has a residual of shape \(3,\), which is none per pixel"),
    "not there": (
        "latent",
        gvd.Linearised(),
        deeper,
        "the term 'mine' of the latent block: there is no unknown 'depth'",
    ),
    "not affine": ("latent", gvd.Quadratic(), Distance("latent", squared=True), "'mine' is not affine in the latent"),
    "undefined": (
        "latent",
        gvd.Linearised(),
        undefined,
        PLACE.format("latent") + "ended with NaN .* in the term 'mine'",
    ),
}


@pytest.mark.parametrize("name", BAD)
def test_the_method_says_which_stage_and_term_is_at_fault(name):
    unknown, role, residual, message = BAD[name]
    config = small(gvd.Config.default(), unknown)
    config = config.with_term("mine", gvd.Term(1.0, residual, SQUARED), **{unknown: role})
    with pytest.raises(gvd.InputError, match=message) as caught:
        gvd.deblur(FRAMES, 0.5, config, flow=STILL)
    assert "\n" not in str(caught.value)


def test_a_weight_that_is_none_is_found_too():
    """Of an energy that was put together by hand."""
    config = small(gvd.Config.default(), "latent")
    spoilt = gvd.replace(config.energy["latent_tv"], weight=jnp.nan)
    config = gvd.replace(config, energy=config.energy | {"latent_tv": spoilt})
    with pytest.raises(gvd.InputError, match=PLACE.format("latent") + "ended with NaN .* in the term 'latent_tv'"):
        gvd.deblur(FRAMES, 0.5, config, flow=STILL)


@pytest.mark.parametrize("residual", [neighbours, undefined_flow])
def test_a_start_flow_that_failed_is_told(residual):
    role = PER_PIXEL if residual is neighbours else gvd.Linearised()
    config = small(gvd.Config.default(), "colour").with_term("mine", gvd.Term(1.0, residual, SQUARED), flow=role)
    with pytest.raises(gvd.InputError, match="the stage 'start flow'"):
        gvd.deblur(FRAMES, 0.5, config)
