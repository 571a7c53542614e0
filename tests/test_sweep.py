"""Settings side by side: the same as one by one, and one program for all their numbers."""

import json

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gvd_jax as gvd
from gvd_jax.cli import main
from gvd_jax.method.deblur import find_start
from gvd_jax.method.still_layer import find_scene
from gvd_jax.view.figures import SHEET, contact_sheet
from tests.clips import panned
from tests.settings import small

FRAMES, HEIGHT, WIDTH = 3, 16, 20
BASE = small(gvd.Config.default(), "latent", "colour")

pytestmark = pytest.mark.usefixtures("hurried_file")


def clip(seed=0):
    return np.random.default_rng(seed).uniform(0.2, 0.8, (FRAMES, HEIGHT, WIDTH, 1)).astype(np.float32)


def setting(data, structure=0.5):
    return BASE.with_weights(data=data, structure=structure)


SPOILT = gvd.replace(BASE, energy=BASE.energy | {"data": gvd.replace(BASE.energy["data"], weight=jnp.nan)})


@pytest.fixture(scope="module")
def one_by_one(hurried_file):
    return [gvd.deblur(clip(), tau, setting(data)).latent for data, tau in ((50.0, 0.2), (200.0, 0.5))]


@pytest.mark.parametrize("batch_size", [1, 2])
def test_a_sweep_equals_its_settings_one_by_one(one_by_one, batch_size):
    found = gvd.sweep(clip(), (0.2, 0.5), [setting(50.0), setting(200.0)], batch_size)
    assert found.latent.shape == (2, FRAMES, HEIGHT, WIDTH, 1) and found.flow.shape[0] == 2
    for k in (0, 1):
        np.testing.assert_allclose(found.latent[k], one_by_one[k], atol=2e-5)


@pytest.mark.parametrize("batch_size", [1, 2])
def test_other_numbers_compile_nothing_anew(batch_size, compiled):
    def swept(*data):
        return gvd.sweep(clip(), (0.2, 0.5, 0.4), [setting(x) for x in data], batch_size).latent

    first = swept(40.0, 80.0, 160.0)
    del compiled[:]
    second = swept(45.0, 90.0, 180.0)
    assert not compiled
    assert not np.array_equal(first, second)


def test_vmap_over_noise_weights_and_duty_cycles_is_one_program(compiled):
    """`deblur_pure` itself: frames, tau and a weight mapped at once."""
    noisy = jnp.asarray(clip()) + 0.01 * jax.random.normal(jax.random.key(0), (2, FRAMES, HEIGHT, WIDTH, 1))
    start = jnp.zeros((FRAMES, 2, HEIGHT, WIDTH, 2))

    @jax.jit
    @jax.vmap
    def latent(frames, tau, data):
        return gvd.deblur_pure(frames, tau, setting(data), start).latent

    swapped, taus, weights = noisy[::-1], jnp.array([0.2, 0.5]), jnp.array([50.0, 200.0])
    found = latent(noisy, taus, weights)
    del compiled[:]
    again = latent(swapped, jnp.array([0.5, 0.2]), jnp.array([200.0, 50.0]))
    assert not compiled
    np.testing.assert_allclose(found, again[::-1], atol=1e-6)
    assert np.abs(np.asarray(found[0] - found[1])).max() > 1e-3


@gvd.pytree
class Drawn:
    """How far the flow is from a known one."""

    known: jax.Array = gvd.held("T 2 H W 2", to_level=gvd.FLOW.to_level)

    def __call__(self, unknowns, observation):
        difference = unknowns.flow - self.known
        return difference[..., 0], difference[..., 1]


def drawn(way, weight=10.0):
    known = jnp.full((FRAMES, 2, HEIGHT, WIDTH, 2), way)
    term = gvd.Term(weight, Drawn(known), gvd.SquaredL2())
    return BASE.with_term("drawn", term, flow=gvd.Linearised(gvd.GaussNewton(gvd.PerPixel())))


def test_a_flow_term_of_ones_own_has_start_flows_of_its_own():
    """By its arrays as by its weight; equal ones share theirs."""
    seen = gvd.sweep(clip(), 0.5, [drawn(1.0), drawn(-1.0), drawn(1.0), drawn(1.0, 0.0)], batch_size=1).flow
    inner = np.asarray(seen)[:, 1].mean((1, 2, 3, 4))  # of the frame that has two neighbours
    assert inner[0] > 0.9 and inner[1] < -0.9 and inner[2] == inner[0] and abs(inner[3]) < 0.5
    alone = find_start(find_scene(jnp.asarray(clip())), jnp.full(FRAMES, 0.5), drawn(-1.0)).state.unknowns.flow
    np.testing.assert_allclose(seen[1], alone, atol=1e-6)


@pytest.mark.parametrize(
    "taus, configs, message",
    [
        ((0.2,), [setting(1.0), setting(2.0)], "1 duty cycles for 2 settings"),
        ((), [], "0 duty cycles for 0 settings"),
        (0.7, [setting(1.0)], "duty cycle 0.7 is outside"),
        (0.5, [setting(1.0), BASE.without_stage("latent")], "sweep numbers, and loop over the rest"),
        (0.5, [setting(50.0), SPOILT], "setting 1 is not finite"),
    ],
)
def test_what_cannot_be_swept_says_so(taus, configs, message):
    with pytest.raises(gvd.InputError, match=message):
        gvd.sweep(clip(), taus, configs)


def test_a_contact_sheet_shows_every_picture():
    pictures = {name: np.full((8, 12, 1), k / 8) for k, name in enumerate("abcde")}
    figure = contact_sheet(pictures)
    assert len(figure.images) == 5 and [text.get_text() for text in figure.texts] == list("abcde")
    large = contact_sheet({name: np.zeros((500, 600, 3)) for name in "ab"})
    assert large.images[0].get_array().shape[:2] == SHEET
    long = contact_sheet({f"data=700_duty_cycle=0.45, PSNR 31.00{k}": np.zeros((8, 12, 3)) for k in range(2)})
    first, second = (text.get_window_extent() for text in long.texts)
    assert first.x1 < second.x0 and second.x1 < long.bbox.x1  # a label ends before the next one


def test_the_command_restores_scores_and_draws(tmp_path, capsys):
    import imageio.v3 as iio

    for name, frames in (("blurry", clip()), ("sharp", clip(1))):
        (tmp_path / name).mkdir()
        for k, frame in enumerate(frames):
            iio.imwrite(tmp_path / name / f"{k}.png", (255 * np.repeat(frame, 3, -1)).astype(np.uint8))
    out = tmp_path / "out"
    arguments = ["sweep", str(tmp_path / "blurry"), str(out), "--preset", "fast", "--weights.data", "100", "400"]
    assert main([*arguments, "--duty-cycle", "0.5", "--sharp", str(tmp_path / "sharp")]) == 0
    rows = json.loads((out / "sweep.json").read_text())["settings"]
    assert [row["data"] for row in rows] == [100, 400] and rows[0]["PSNR"] != rows[1]["PSNR"]
    assert {path.name for path in out.iterdir()} == {
        "sweep.json", "sheet.png", "data=100_duty_cycle=0.5.mp4", "data=400_duty_cycle=0.5.mp4"
    }  # fmt: skip
    assert f"data=100_duty_cycle=0.5, PSNR {rows[0]['PSNR']:.3f}, SSIM" in capsys.readouterr().out
    assert main(arguments) == 2 and "exists" in capsys.readouterr().err


@pytest.mark.parametrize(
    "options, message",
    [
        ([], "nothing to sweep; give values, for instance --weights.data 100 250 500"),
        (["--weights.data", "-1"], "give one weight or more, numbers that are not below 0"),
        (["--duty-cycle", "0.7"], "--duty-cycle 0.7 is neither auto nor"),
        (["--weights.data", "1", "--batch-size", "0"], "--batch-size 0 is not a number of settings"),
        (["--weights.data", "1"], "nowhere"),
    ],
)
def test_bad_options_of_the_command_are_one_line(options, message, capsys):
    assert main(["sweep", "nowhere", "out-of-nothing", *options]) == 2
    error = capsys.readouterr().err
    assert message in error and error.count("\n") == 1


def test_a_sweep_treats_cuts_and_repeats_as_deblur_does():
    first, second = (panned(name, 2, 32, 40)[..., :1] for name in ("chelsea", "motorcycle"))
    frames = np.concatenate([first[[0, 1, 1]], second])
    alone = gvd.deblur(frames, 0.4, setting(50.0))
    found = gvd.sweep(frames, 0.4, [setting(50.0), setting(80.0)])
    assert alone.timeline.starts == (0, 1, 3, 4) and alone.timeline.continues == (True, False, True, False)
    np.testing.assert_allclose(found.latent[0], alone.latent, atol=2e-5)
    np.testing.assert_array_equal(found.latent[1, 1], found.latent[1, 2])
