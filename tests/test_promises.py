"""A stage, a blur or a term of a user that does not keep its promise is one line that says what to do."""

import dataclasses

import jax.numpy as jnp
import numpy as np
import pytest

import gvd_jax as gvd
from gvd_jax.method.deblur import make_problem
from gvd_jax.method.problem import State
from gvd_jax.method.promises import check_blur, check_stage
from gvd_jax.method.run_stage import run_stage
from gvd_jax.method.schedule import Planned
from gvd_jax.trees import pytree, static
from tests.settings import small

SHAPE = (3, 12, 16, 1)
NOISE = np.random.default_rng(0).random(SHAPE[1:]).astype(np.float32)
FRAMES = np.stack([np.roll(NOISE, k, 1) for k in range(SHAPE[0])])
CONFIG = small(gvd.Config.fast().with_transfer("none"))
PROBLEM = make_problem(jnp.asarray(FRAMES), 0.4, CONFIG)
STATE = State(gvd.Unknowns(latent=jnp.asarray(FRAMES), flow=jnp.zeros((3, 2, 12, 16, 2))), shape=SHAPE[1:3])


def changed(**unknowns):
    """What a stage returns that changes these."""
    values = {name: STATE.unknowns[name] for name in STATE.unknowns} | unknowns
    return gvd.replace(STATE, unknowns=gvd.Unknowns(**values)), gvd.Info({})


@dataclasses.dataclass(frozen=True)
class Ends:
    """A stage that ends with anything."""

    end: object
    name: str = "mine"
    cost: float = 1.0

    def run(self, state, problem):
        return self.end


@pytest.mark.parametrize(
    "end, words",
    [
        (None, "must return .state, info., a State and an Info: it gave None"),
        (STATE, "must return .state, info."),
        ((STATE, None), "must return .state, info."),
        (changed(latent=STATE.unknowns.latent[:, :5]), r"latent of shape \(3, 5, 16, 1\).*3, 12, 16, C"),
        (changed(flow=STATE.unknowns.flow[:, 0]), r"flow of shape .* it is \[3, 2, 12, 16, 2\]"),
        (changed(latent=STATE.unknowns.latent.astype(jnp.float16)), "latent in float16; give float32"),
        (changed(blah=jnp.zeros(3)), "an unknown 'blah', which the settings do not declare"),
    ],
)
def test_what_a_stage_returns_is_checked(end, words):
    with pytest.raises(gvd.InputError, match=f"the stage 'mine' {words}|the stage 'mine' gives {words}"):
        run_stage(Planned(Ends(end), 0, SHAPE[1:3], 1.0), STATE, PROBLEM)


@pytree
class Spoils:
    """A stage that leaves NaN."""

    name: str = static(default="mine")
    cost: float = static(default=1.0)

    def run(self, state, problem):
        latent = state.unknowns.latent * jnp.nan
        return gvd.replace(state, unknowns=gvd.replace(state.unknowns, latent=latent)), gvd.Info({})


def test_the_stage_that_leaves_nan_is_named():
    with pytest.raises(gvd.InputError, match=r"the stage 'mine' .* ended with NaN or infinity in the unknown 'latent'"):
        gvd.deblur(FRAMES, 0.4, CONFIG.with_stage(Spoils(), after="latent"))


class Plain:
    """No pytree."""

    name, cost = "plain", 1.0

    def run(self, state, problem):
        return state, gvd.Info({})


@pytest.mark.parametrize("stage, words", [(len, "no stage"), (Plain, "no stage"), (Plain(), "declared with pytree")])
def test_what_is_no_stage_is_refused(stage, words):
    with pytest.raises(gvd.InputError, match=words):
        check_stage(stage)


@pytree
class Operator:
    """Any function of the image."""

    function: object = static()

    def __call__(self, image, unknowns, observation):
        return self.function(image)


@pytest.mark.parametrize(
    "function, words",
    [
        (lambda x: x**2, "is not linear in the image"),
        (jnp.abs, "is not linear in the image"),
        (lambda x: x[:, ::2], "must keep the shape and type of the image"),
        (lambda x: x @ x, "fails for an image of shape"),
        (lambda x: None, "must keep the shape"),
    ],
)
def test_a_blur_is_linear_and_keeps_the_shape(function, words):
    with pytest.raises(gvd.InputError, match=f"the blur operator Operator .*{words}"):
        check_blur(gvd.replace(PROBLEM, blur=gvd.Blur((Operator(function),))), STATE)
    check_blur(gvd.replace(PROBLEM, blur=gvd.Blur((gvd.MotionBlur(), Operator(lambda x: x / 2)))), STATE)


@pytest.mark.parametrize(
    "residual, words",
    [
        (lambda unknowns, observation: None, "returns nothing"),
        (lambda unknowns: unknowns.latent, "fails on a level of 16x12: TypeError"),
        (lambda unknowns, observation: unknowns.latent - observation.blury, "AttributeError.*blury"),
        (lambda unknowns, observation: unknowns.latent - jnp.ones((3, 24, 32, 1)), "declared with held"),
        (lambda unknowns, observation: unknowns.latent * unknowns.gain, "no unknown 'gain'.*give it a start"),
    ],
)
@pytest.mark.parametrize("role", [gvd.Dual(), gvd.Quadratic(), gvd.Linearised()])
def test_a_residual_that_fails_is_named(residual, words, role):
    config = CONFIG.with_term("mine", gvd.Term(1.0, residual, gvd.SquaredL2()), latent=role)
    with pytest.raises(gvd.InputError, match=f"the (residual of the )?term 'mine'.*{words}"):
        gvd.deblur(FRAMES, 0.4, config)


@pytest.mark.parametrize(
    "declare, words",
    [
        (lambda: gvd.Unknown("gain", "TH W", 0.0), "has an axis 'TH': choose of T, H, W, C"),
        (lambda: gvd.Unknown("gain", "T", 5.0, -1.0, 1.0), "starts at 5.0 between -1.0 and 1.0"),
        (lambda: gvd.Unknown("gain", "T", None, 1.0, -1.0), "give bounds in order"),
        (lambda: CONFIG.with_unknown(gvd.LATENT, gvd.Block(gvd.LATENT, {}), "colour"), "'latent' of its own"),
        (
            lambda: CONFIG.with_unknown(gvd.Unknown("gain", "T", 0.0), gvd.Block(gvd.FLOW, {}), "colour"),
            "the block solves for 'flow', not for the unknown 'gain'",
        ),
        (lambda: CONFIG.with_term("data", gvd.Term(-3.0, len, gvd.L1())), "weight of the term 'data' is -3.0"),
        (lambda: CONFIG.with_term("data", gvd.Term("3", len, gvd.L1())), "weight of the term 'data' is '3'"),
    ],
)
def test_declarations_are_checked(declare, words):
    with pytest.raises(gvd.InputError, match=words):
        declare()
