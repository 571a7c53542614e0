"""The blur model: discs, operators of one's own, and what a level changes."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gvd_jax as gvd
from gvd_jax.model.terms import data_residual
from gvd_jax.ops.disc_defocus import RADII, disc, disc_defocus
from gvd_jax.ops.gaussian_defocus import SCALES
from tests.problems import moments, point_spread, random_clip

out_of_focus = jax.jit(disc_defocus, static_argnums=0)
pytestmark = pytest.mark.usefixtures("hurry")


@pytest.mark.parametrize("radius", [0.0, 0.4, 1.0, 2.5, 6.0])
def test_a_disc_covers_pixels_by_their_area(radius):
    taps = disc(radius)
    reach = len(taps) // 2
    assert reach == np.ceil(radius) and (taps >= 0).all()
    np.testing.assert_allclose(taps.sum(), 1)
    for turned in (taps.T, taps[::-1], taps[:, ::-1]):
        np.testing.assert_array_equal(taps, turned)
    if radius >= 1:  # a pixel that is covered wholly, and the share of the disc that it then has
        np.testing.assert_allclose(taps[reach, reach], 1 / (np.pi * radius**2), rtol=0.02)
    else:
        assert taps[reach, reach] == 1


@pytest.mark.parametrize("sigma", [0.0, 0.3, 0.5, 1.2, 2.0, 3.0])
def test_a_disc_has_the_variance_of_its_sigma(x64, sigma):
    """Between the radii as on them; it is that of the Gaussian of this sigma."""
    kernel = point_spread(lambda impulse: out_of_focus(RADII, impulse, jnp.full((1, 33, 33), sigma)))
    v = sigma * np.hypot(sigma, 0.25)
    np.testing.assert_allclose(moments(kernel), [1, 0, 0, 0, v, v], rtol=1e-9, atol=1e-9)
    edge = np.abs(kernel[16]) > 1e-12
    assert edge.sum() <= 2 * np.ceil(2 * sigma + 0.5) + 1  # of twice sigma, and then nothing


def test_a_disc_has_a_derivative_in_its_sigma(x64):
    unknowns, _ = random_clip((1, 9, 11, 1))
    weights = jnp.asarray(np.random.default_rng(1).normal(size=(1, 9, 11, 1)))

    def total(sigma):
        return (weights * out_of_focus(RADII, unknowns.latent, sigma)).sum()

    sigma, step = jnp.full((1, 9, 11), 1.3), 1e-6
    expected = (total(sigma + step) - total(sigma - step)) / (2 * step)
    np.testing.assert_allclose(jax.grad(total)(sigma).sum(), expected, rtol=1e-6)


@pytest.mark.parametrize("operator", [gvd.GaussianDefocus(), gvd.DiscDefocus()], ids=["gaussian", "disc"])
def test_without_a_defocus_everything_is_in_focus(operator):
    unknowns, observation = random_clip(dtype="float32")
    in_focus = gvd.Unknowns(latent=unknowns.latent, flow=unknowns.flow)
    assert operator(unknowns.latent, in_focus, observation) is unknowns.latent


@gvd.pytree
class Shade:
    """Light that a pixel has of the scene, as behind a dirty lens: known, and finer at full size."""

    share: jax.Array = gvd.held("H W")
    fine: int = gvd.static(default=8)

    def __call__(self, image, unknowns, observation):
        return self.share[..., None] * image

    def at_level(self, scale):
        return gvd.replace(self, fine=round(scale * self.fine))


SHARE = jnp.asarray(np.random.default_rng(4).uniform(0.2, 0.9, (9, 11)), jnp.float32)


def test_a_product_reads_from_the_right():
    unknowns, observation = random_clip((3, 9, 11, 2), "float32")
    motion = gvd.MotionBlur(samples=3)
    shaded, moved = (lambda x: SHARE[..., None] * x), (lambda x: motion(x, unknowns, observation))
    for operators, expected in (
        ((motion, Shade(SHARE)), lambda x: moved(shaded(x))),
        ((Shade(SHARE), motion), lambda x: shaded(moved(x))),
        ((), lambda x: x),
    ):
        found = gvd.Blur(operators)(unknowns.latent, unknowns, observation)
        np.testing.assert_allclose(found, expected(unknowns.latent), rtol=1e-6)


def test_every_operator_comes_to_a_level_in_its_own_way():
    blur = gvd.Blur((gvd.MotionBlur(samples=12), Shade(SHARE), gvd.DiscDefocus()))
    half = blur.at_level(0.5)
    assert [half.motion.samples, half.operators[1].fine, half.operators[2]] == [6, 4, gvd.DiscDefocus()]
    assert [blur.at_level(scale).motion.samples for scale in (1, 0.51, 0.01)] == [12, 7, 2]
    assert blur.with_samples(5).motion.samples == 5 and blur.with_samples(5).operators[1:] == blur.operators[1:]
    assert gvd.Blur((Shade(SHARE),)).with_samples(5).motion.samples == 0  # none, and it does nothing
    settings = gvd.Config.default().with_blur(gvd.MotionBlur(), gvd.DiscDefocus())
    assert settings.blur.operators == (gvd.MotionBlur(), gvd.DiscDefocus())


@pytest.mark.parametrize("name", ["shade", "disc"])
def test_a_blur_of_ones_own_is_undone(name):
    """By the data term alone, which is 0 under the blur that was, and far from it under the one that is built in."""
    unknowns, observation = random_clip((2, 9, 11, 1), "float32", motion=0.3)
    unknowns = gvd.replace(unknowns, defocus=jnp.full((2, 9, 11), 0.7), latent=0.2 + 0.5 * unknowns.latent)
    motion = gvd.MotionBlur(samples=2)
    own = {"shade": (motion, Shade(SHARE)), "disc": (motion, gvd.DiscDefocus((0.0, 1.0, 2.0)))}[name]
    own, printed = gvd.Blur(own), gvd.Blur((motion, gvd.GaussianDefocus(SCALES)))
    blurry = own(unknowns.latent, unknowns, observation)
    block = gvd.Block(gvd.LATENT, {"data": gvd.Linearised(test=False)})
    energy = {"data": gvd.Term(1.0, data_residual, gvd.SquaredL2())}
    start = gvd.replace(unknowns, latent=blurry)
    options = gvd.BlockOptions(gvd.Steps(cg_iterations=200), jnp.inf)
    errors = []
    for blur in (own, printed):
        seen = gvd.replace(observation, blurry=blurry, blur=blur)
        found = gvd.solve_subproblem(block, energy, start, seen, options)[0]
        errors.append(jnp.abs(found.latent - unknowns.latent).mean() / jnp.abs(blurry - unknowns.latent).mean())
    assert errors[0] < 0.01 and errors[1] > 0.5


def test_a_motion_blur_reads_something(x64):
    unknowns, observation = random_clip((1, 5, 7, 1))
    with pytest.raises(gvd.InputError, match="0 samples reads nothing"):
        gvd.MotionBlur(samples=0)(unknowns.latent, unknowns, observation)
