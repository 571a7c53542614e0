"""Settings that are changed: stages, terms and unknowns come and go, and the method takes what is left."""

from itertools import pairwise

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gvd_jax as gvd
from tests.problems import translating
from tests.settings import small

DEFAULT = gvd.Config.default()
DUTY = gvd.Unknown("duty_cycle", "T", 0.2, 0.05, 0.5)
pytestmark = pytest.mark.usefixtures("hurry")


def names(config):
    return [stage.name for stage in config.stages]


def test_stages_come_and_go():
    more = DEFAULT.with_stage(gvd.PostFilter(), after="flow")
    assert [before for before, name in pairwise(names(more)) if name == "filter"] == ["flow"] * 4
    assert more.without_stage("filter") == DEFAULT
    assert names(DEFAULT.without_stage("search")) == [name for name in names(DEFAULT) if name != "search"]
    assert sum(isinstance(entry, gvd.Level) for entry in more.schedule) == 2


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda: DEFAULT.without_stage("filter"), "no stage 'filter': there are afresh, blend, colour, draft"),
        (lambda: DEFAULT.with_stage(gvd.Blend(), after="end"), "no stage 'end'"),
        (lambda: DEFAULT.without_unknown("depth"), "no unknown 'depth': there are defocus, duty_cycle, flow"),
        (lambda: DEFAULT.without_unknown("flow"), "the method needs the unknowns latent and flow"),
        (lambda: gvd.Steps(cg_iterations=0), "cg_iterations=0.*: give every loop at least 1 iteration"),
        (lambda: gvd.BlockOptions(linearisations=0), "0 linearisations solves nothing: give 1 or more"),
        (lambda: DEFAULT.with_unknown(DUTY, gvd.Block(DUTY, {}), after="defocus"), "no stage 'defocus'"),
        (lambda: DEFAULT.with_term("mine", DEFAULT.energy["data"]), "the term 'mine' has no role"),
        (
            lambda: DEFAULT.with_term("data", gvd.replace(DEFAULT.energy["data"], norm=gvd.L1)),
            r"norms.L1'> is no norm: give an instance of one, as L1\(\)",
        ),
        (
            lambda: DEFAULT.with_weights(data=np.nan),
            "the weight of the term 'data' is nan: give a number, 0 or more",
        ),
        (lambda: DEFAULT.with_weights(data=jnp.inf), "the weight of the term 'data' is inf: give a number, 0 or more"),
        (lambda: DEFAULT.with_weights(data=-1.0), "the weight of the term 'data' is -1.0: give a number, 0 or more"),
        (
            lambda: DEFAULT.with_blur(lambda image, unknowns, observation: image),
            "is no blur operator: give an instance",
        ),
        (lambda: DEFAULT.with_transfer("log"), "unknown transfer 'log': choose none, gamma22, srgb, auto or a number"),
    ],
)
def test_what_is_not_there_is_named(change, message):
    with pytest.raises(gvd.InputError, match=message) as caught:
        change()
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("preset, lost", [("default", {"edges"}), ("paper", {"defocus"}), ("gvd2015", set())])
def test_without_a_defocus_nothing_of_it_is_left(preset, lost):
    config = getattr(gvd.Config, preset)()
    sharp = config.without_defocus()
    assert set(names(config)) - set(names(sharp)) == lost
    assert {u.name for u in config.unknowns} - {u.name for u in sharp.unknowns} <= {"defocus"}
    assert "defocus" not in {u.name for u in sharp.unknowns}
    assert set(config.energy) - set(sharp.energy) == ({"defocus_tv"} if preset == "paper" else set())
    assert all(block.unknown.name != "defocus" for block in sharp.blocks)
    assert sharp.without_defocus() == sharp
    assert gvd.Config.gvd2015() == gvd.Config.paper().without_defocus()


def test_the_far_neighbours_are_terms_of_their_own_weight():
    weights = {"temporal": 5.0, "temporal_far": 0.0}
    changed = DEFAULT.with_weights(**weights)
    assert {name: term.weight for name, term in changed.energy.items()} == {
        name: weights.get(name, term.weight) for name, term in DEFAULT.energy.items()
    }
    assert jax.tree.structure(changed) == jax.tree.structure(DEFAULT)


def test_an_unknown_of_ones_own_takes_part_on_every_level():
    """One number per row of every frame, in a term that the latent frames feel too."""

    def banded(unknowns, observation):
        return unknowns.latent[..., 0] - observation.blurry[..., 0] - unknowns.bands[..., None]

    bands = gvd.Unknown("bands", "T H", 0.0, -1.0, 1.0)
    config = small(DEFAULT, "latent", "colour")
    start, latent, colour = config.schedule
    config = gvd.replace(config, schedule=(start, gvd.Level((latent,), 0.5), gvd.Level((latent,)), colour))
    config = config.with_unknown(bands, gvd.Block(bands, {}), after="latent")
    config = config.with_term(
        "banded", gvd.Term(1.0, banded, gvd.SquaredL2()), latent=gvd.Dual(), bands=gvd.Quadratic()
    )
    assert names(config) == ["start flow", "latent", "bands", "latent", "bands", "colour"]
    frames, flow = (
        jax.ShapeDtypeStruct((2, 36, 40, 3), jnp.float32),
        jax.ShapeDtypeStruct((2, 2, 36, 40, 2), jnp.float32),
    )
    found = jax.eval_shape(lambda frames, flow: gvd.deblur_pure(frames, 0.5, config, flow), frames, flow)
    assert {name: found[name].shape for name in found} == {
        "bands": (2, 36),
        "flow": (2, 2, 36, 40, 2),
        "latent": (2, 36, 40, 3),
        "shake": (2, 2, 3),
    }
    without = config.without_unknown("bands")
    assert "bands" not in names(without) and "banded" in without.energy  # which the latent frames still feel


NOISE = np.random.default_rng(0).random((16, 16, 1))
FRAMES, STILL = np.stack([NOISE, np.roll(NOISE, 1, 1)]), np.zeros((2, 2, 16, 16, 2), np.float32)
LATENT = gvd.Level((gvd.Solve("latent", gvd.LATENT_BLOCK),))


@pytest.mark.parametrize(
    "schedule, message",
    [
        ((), "a schedule takes a stage that gives a flow and one that restores frames: here is no stage"),
        ((gvd.GivenFlow(STILL),), "here is 'start flow'"),
        ((LATENT, gvd.Blend()), "the schedule begins with a level: begin it with StartFlow"),
        ((*LATENT.stages, gvd.Blend()), "there is no unknown .*: the schedule begins with 'latent'; begin it with"),
        ((gvd.Afresh(gvd.LATENT), LATENT), "the schedule begins with 'afresh', which gives no flow; begin it with"),
        (
            (gvd.GivenFlow(STILL[:, :, 1:]), LATENT),
            "an array declared by held.* has shape .* for this clip: 2 2 16 16 2",
        ),
        ((gvd.GivenFlow(STILL.astype(int)), LATENT), r"declared by held\('T 2 H W 2'\) must be .* floats, not int64"),
        (
            (gvd.GivenFlow(STILL), gvd.Level(LATENT.stages, 0.75, 8)),
            "the schedule ended with latent frames of shape .2, 12, 12, 1., and the clip has",
        ),
    ],
)
def test_a_schedule_begins_with_a_flow_and_ends_with_frames_of_the_clip(schedule, message):
    with pytest.raises(gvd.InputError, match=message) as caught:
        gvd.deblur(FRAMES, 0.5, gvd.replace(DEFAULT, schedule=schedule))
    assert "\n" not in str(caught.value)


def test_a_term_in_the_place_of_another_has_its_roles():
    """Also the larger dual step of a draft, and what subproblems of the flow take of it."""
    other = gvd.Term(3.0, DEFAULT.energy["temporal"].residual, gvd.GroupL2())
    changed = DEFAULT.with_term("temporal", other)
    assert changed.energy["temporal"] == other and changed.schedule == DEFAULT.schedule
    elsewhere = DEFAULT.with_term("temporal", other, flow=gvd.Linearised())
    assert {block.unknown.name for block in elsewhere.blocks if "temporal" in block.roles} == {"flow"}


def test_the_shutter_is_found_as_an_unknown(x64):
    """Of every frame, from the blur of sharp frames in known motion: where it is an unknown the blur takes that."""
    sharp, flow = translating((3.0, -2.0))
    truth = gvd.Unknowns(latent=sharp, flow=flow, duty_cycle=jnp.array([0.3, 0.45, 0.15]))
    blur = gvd.Blur((gvd.MotionBlur(samples=4),))
    observation = gvd.observe(sharp, 0.01, blur)
    observation = gvd.replace(observation, blurry=blur(sharp, truth, observation))
    start = gvd.replace(truth, duty_cycle=DUTY.first(sharp))
    block, options = gvd.Block(DUTY, {"data": gvd.Linearised()}), gvd.BlockOptions(gvd.Steps(), 0.2, linearisations=10)
    found, info = gvd.solve_subproblem(block, DEFAULT.energy, start, observation, options)
    np.testing.assert_allclose(found.duty_cycle, truth.duty_cycle, atol=1e-3)
    assert info.length.shape == (10, 3) and info.after["data"][-1] < 1e-3 * info.before["data"][0]
