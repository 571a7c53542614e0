"""Algorithm 1 as a whole, on a clip of a few hundred pixels with settings that are run once or twice."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from scipy import ndimage

import gvd_jax as gvd
from gvd_jax.method.ends import accelerate_ends, extrapolate_ends, search_ends
from gvd_jax.method.schedule import plan
from gvd_jax.model.terms import data_residual
from gvd_jax.ops.exposure import quadratic_path
from gvd_jax.ops.motion_blur import motion_blur
from gvd_jax.ops.warp import one_shot
from gvd_jax.scale.survey import Survey
from gvd_jax.scale.window import restore_block
from gvd_jax.trees import replace
from gvd_jax.view.report import Report
from tests.settings import only

FRAMES, HEIGHT, WIDTH = 4, 31, 47
TAU = 0.5

pytestmark = pytest.mark.usefixtures("hurried_file")


ROUNDS = {
    "default": ("latent", "search", "ends", "flow", "edges", "colour", "blend", "keep sharp"),
    "fast": ("latent", "flow", "guess ends", "edges", "colour", "blend", "keep sharp"),
    "paper": ("latent", "flow", "defocus", "filter", "colour"),
}


def quick(preset="default"):
    """One round on one level."""
    return only(getattr(gvd.Config, preset)(), *ROUNDS[preset])


@pytest.fixture(scope="module")
def clip():
    """Blurry and sharp frames of a texture in uniform motion, float32 [T, H, W, 1], and its flow."""
    texture = ndimage.gaussian_filter(np.random.default_rng(1).random((HEIGHT + 20, WIDTH + 40)), 1.2)
    texture = 0.1 + 0.8 * (texture - texture.min()) / np.ptp(texture)
    sharp = np.stack([texture[10 : 10 + HEIGHT, 20 - 4 * i : 20 - 4 * i + WIDTH] for i in range(FRAMES)])
    flow = np.zeros((FRAMES, 2, HEIGHT, WIDTH, 2), np.float32)
    flow[:, 0, ..., 0], flow[:, 1, ..., 0] = 4.0, -4.0
    sharp = jnp.asarray(sharp[..., None], jnp.float32)
    blurry = motion_blur(quadratic_path, 4, sharp, jnp.asarray(flow), jnp.full(FRAMES, TAU))
    return np.asarray(blurry), np.asarray(sharp), flow


@pytest.fixture(scope="module")
def result(hurried_file, clip):
    return gvd.deblur(clip[0], TAU, quick())


def gain(latent, clip):
    blurry, sharp, _ = clip
    return 10 * np.log10(np.square(blurry - sharp).mean() / np.square(np.asarray(latent) - sharp).mean())


def test_every_frame_comes_nearer_to_the_truth(result, clip):
    for k in range(FRAMES):
        assert gain(result.latent[k], [part[k] for part in clip]) > 1.0
    assert np.abs(np.asarray(result.flow) - clip[2])[1:-1].mean() < 0.06
    assert result.latent.min() >= 0 and result.latent.max() <= 1
    np.testing.assert_array_equal(result.duty_cycle, np.full(FRAMES, TAU, np.float32))


def test_history_tells_every_stage_and_the_energy_of_it(result):
    stages = [step.stage for step in result.history]
    assert stages == ["start flow", *ROUNDS["default"]]
    fractions = [step.fraction for step in result.history]
    assert fractions == sorted(fractions) and fractions[-1] == pytest.approx(1.0)
    assert all(np.isfinite(list(step.energy.values())).all() for step in result.history)
    solves = [step for step in result.history if step.status is not None]
    assert [step.stage for step in solves] == ["start flow", "latent", "search", "flow", "colour"]
    final = [step for step in solves if step.energy]
    assert [step.stage for step in final] == ["latent", "flow", "colour"]
    assert all(set(step.energy) == set(gvd.Config.default().energy) for step in final)
    assert result.status == max(step.status for step in solves) <= gvd.Status.REFUSED


def test_hooks_and_reports_change_no_bit(result, clip, tmp_path):
    seen = []
    again = gvd.deblur(clip[0], TAU, quick(), hooks=[Report(tmp_path / "page"), seen.append])
    for name in ("latent", "flow", "defocus"):
        np.testing.assert_array_equal(getattr(again, name), getattr(result, name))
    assert [step.stage for step in seen] == [step.stage for step in again.history]
    assert (tmp_path / "page" / "index.html").exists()


def test_new_weights_and_another_clip_compile_nothing_anew(result, clip, compiled):
    changed = gvd.deblur(clip[0][::-1].copy(), 0.4, quick().with_weights(data=123.0, latent_tv=0.5, structure=0.4))
    assert not compiled
    assert not np.array_equal(changed.latent, result.latent)
    jax.jit(lambda x: 2 * x)(1.0)
    assert len(compiled) == 1  # it would have been noticed


def test_the_method_starts_from_a_given_flow_and_keeps_one_that_is_better(result, clip):
    """The exact one, of which the ends are not known: a search finds a little worse ones. It leaves a wrong one."""
    seen = []
    exact = np.where(np.isin(np.arange(FRAMES), (0, FRAMES - 1))[:, None, None, None, None], np.nan, clip[2])
    exact[0, 0], exact[-1, 1] = clip[2][0, 0], clip[2][-1, 1]
    kept = gvd.deblur(clip[0], TAU, quick(), flow=exact, hooks=[seen.append])
    first = next(step for step in seen if step.stage == "latent")
    np.testing.assert_allclose(first.unknowns.flow, clip[2], atol=1e-5)
    errors = [np.linalg.norm(found.flow - clip[2], axis=-1)[1:-1].mean() for found in (kept, result)]
    assert errors[0] < 0.5 * errors[1]
    wrong = gvd.deblur(clip[0], TAU, quick(), flow=np.zeros_like(clip[2]))
    assert np.linalg.norm(wrong.flow - clip[2], axis=-1)[1:-1].mean() < 0.3 * np.linalg.norm(clip[2], axis=-1).mean()


@pytest.mark.parametrize(
    "flow, message",
    [
        (np.zeros((FRAMES, 2, HEIGHT, WIDTH)), "the flow has shape"),
        (np.zeros((FRAMES, 2, HEIGHT, WIDTH, 2), int), "the flow is int64; give floats"),
        (np.full((FRAMES, 2, HEIGHT, WIDTH, 2), np.nan), "the flow holds NaN"),
    ],
)
def test_a_flow_that_is_none_says_so(clip, flow, message):
    with pytest.raises(gvd.InputError, match=message) as caught:
        gvd.deblur(clip[0], TAU, quick(), flow=flow)
    assert "\n" not in str(caught.value)


def test_a_part_of_a_long_clip_that_was_found_to_be_sharp_stays_as_it_is(clip):
    _, sharp, _ = clip
    restored = restore_block(sharp, Survey(0.0), quick(), ())
    np.testing.assert_array_equal(restored.latent, sharp)
    assert (np.asarray(restored.duty_cycle) == 0).all() and not np.asarray(restored.defocus).any()


def test_paper_finds_flow_and_defocus_too(clip):
    restored = gvd.deblur(clip[0], TAU, quick("paper"))
    assert np.isfinite(restored.latent).all() and np.isfinite(restored.flow).all()
    assert 0 < np.asarray(restored.defocus).max() <= 3.0


@pytest.mark.parametrize("preset", ["default", "fast", "paper", "gvd2015"])
def test_plan_ends_in_colour_at_full_size(preset):
    config, size = getattr(gvd.Config, preset)(), (240, 320)
    planned = plan(config.schedule, size)
    names = [step.stage.name for step in planned]
    assert planned[-1].shape == size and names[-1] == ("keep sharp" if "blend" in names else "colour")
    if "search" in names:  # what the ends owe their neighbours comes before their search, drafts after it
        assert names.index("ends") < names.index("draft")
    assert [step.level for step in planned] == sorted(step.level for step in planned)
    assert ("defocus" in names) == ("defocus" in {block.unknown.name for block in config.blocks})
    halves = tuple(replace(e, scale=e.scale / 2) if isinstance(e, gvd.Level) else e for e in config.schedule)
    at_full_size = ("start flow", "edges", "colour", "soften", "blend", "keep sharp")
    coarser = plan(halves, size)
    assert [step.stage.name in at_full_size for step in coarser] == [step.shape == size for step in coarser]
    # Where the defocus is read off the edges, all before is in focus.
    starts = {unknown.name for unknown in config.unknowns if unknown.start is not None}
    own = {"default": {"shake"}, "paper": {"defocus"}}
    assert starts == {"latent"} | own.get(preset, set())
    if "edges" in names:
        assert names.index("edges") == names.index("colour") - 1 and names.count("edges") == 1
    if preset == "paper":  # section 5: 17 levels for 1280x720, of which a small clip has fewer
        levels = [len({step.level for step in plan(config.schedule, shape)}) for shape in ((720, 1280), (24, 32))]
        assert levels == [17, 5] and min(min(step.shape) for step in plan(config.schedule, (24, 32))) >= 16


def test_transfer_is_undone_and_redone(clip):
    """A clip blurred in linear light comes out in display values, and better than without the curve."""
    _, sharp, flow = clip
    curve = gvd.Config.default().with_transfer("gamma22").camera.transfer
    light = motion_blur(
        quadratic_path, 4, curve.to_linear(jnp.asarray(sharp)), jnp.asarray(flow), jnp.full(FRAMES, TAU)
    )
    blurry = np.asarray(curve.to_display(light))
    configs = [quick().with_transfer(name) for name in ("gamma22", "none")]
    gains = [gain(gvd.deblur(blurry, TAU, config).latent, (blurry, sharp, flow)) for config in configs]
    assert gains[0] > max(1.0, gains[1])


@pytest.mark.parametrize("apart", [0.0, 6.0], ids=["of the camera", "of an object as well"])
def test_ends_are_found_by_their_blur(clip, apart):
    """Uniform motion inside, another acceleration at each end: the data term tells it, extrapolation cannot."""
    _, sharp, flow = clip
    right = WIDTH // 2
    acceleration = jnp.zeros((FRAMES, HEIGHT, WIDTH, 2)).at[0, ..., 0].set(4.0).at[-1, ..., 0].set(-4.0)
    acceleration = acceleration.at[0, :, right:, 0].add(-apart)
    true = accelerate_ends(jnp.asarray(flow), acceleration, one_shot(FRAMES))
    tau = jnp.full(FRAMES, TAU)
    blurry = motion_blur(quadratic_path, 4, jnp.asarray(sharp), true, tau)
    guess = extrapolate_ends(jnp.asarray(flow), one_shot(FRAMES))
    np.testing.assert_allclose(guess, flow, atol=1e-5)
    unknowns = gvd.Unknowns(latent=jnp.asarray(sharp), flow=guess)
    observation = gvd.observe(blurry, tau, gvd.Blur((gvd.MotionBlur(quadratic_path, 4),)))
    observation = gvd.Confirmed()(unknowns, observation)
    found = search_ends(unknowns, (gvd.LATENT, gvd.FLOW), observation, data_residual)
    error = np.abs(np.asarray(found) - np.asarray(true)).max(-1)  # of up to 4 px, and 6 px apart
    assert error[-1].max() < 0.3 and (apart or error[0].max() < 0.3)
    # In a window where both motions are in sight, either may be taken.
    for side in (slice(right - 6), slice(right + 6, None)):
        assert np.median(error[0, 1, :, side]) < 1
    np.testing.assert_array_equal(found[1:-1], flow[1:-1])


@pytest.mark.parametrize("preset, shape", [("default", (2, 9, 13, 3)), ("fast", (3, 1, 1, 1))])
def test_odd_and_tiny_frames_come_back_whole(preset, shape):
    frames = np.random.default_rng(0).uniform(0.2, 0.8, shape).astype(np.float32)
    restored = gvd.deblur(frames, TAU, quick(preset))
    assert restored.latent.shape == shape and np.isfinite(restored.latent).all()
    assert restored.flow.shape == (shape[0], 2, *shape[1:3], 2) and np.isfinite(restored.flow).all()


def test_constant_frames_stay_constant():
    frames = np.full((2, 9, 13, 3), 0.4, np.float32)
    restored = gvd.deblur(frames, "auto", quick())
    np.testing.assert_allclose(restored.latent, frames, atol=1e-5)
    np.testing.assert_allclose(restored.duty_cycle, 0.25)  # nothing moves
