"""Two layers with affine motions: found in blurry frames, restored, and mixed at their boundary as light is."""

import jax.numpy as jnp
import numpy as np
import pytest
from scipy.ndimage import binary_dilation, binary_erosion

from experiments.baselines.homography import homography_flow
from experiments.baselines.wulff_black import affine_layers, deblur, layered_blur
from gvd_jax import metrics
from gvd_jax.ops.exposure import quadratic_path
from gvd_jax.ops.motion_blur import motion_blur
from gvd_jax.video.layers import Layer, Path, ellipse, middle, photograph
from gvd_jax.video.synthesize import RenderedClip, render

pytestmark = pytest.mark.usefixtures("hurried_file")

FRAMES, HEIGHT, WIDTH, DUTY_CYCLE = 3, 96, 128, 0.5
BEHIND, BEFORE, OTHER = 5 + 3j, -6 + 4j, 6 - 5j  # pixels per frame interval
SAMPLES = 8


def drift(velocity: complex, offset: complex = 0) -> Path:
    return Path(offset - velocity * (FRAMES - 1) / 2, velocity)


def front_layer(texture: np.ndarray, scale: float, velocity: complex, offset: complex = 0) -> Layer:
    height, width, _ = texture.shape
    return Layer(
        texture,
        scale,
        drift(velocity, offset),
        ellipse(texture.shape, middle(texture.shape), 0.4 * width + 0.4j * height),
    )


def exposed(*layers: Layer) -> RenderedClip:
    return render(list(layers), FRAMES, HEIGHT, WIDTH, DUTY_CYCLE)


def matte_of(layer: Layer) -> np.ndarray:
    """Its true matte [T, H, W]: a white one before black."""
    black = Layer(0 * layer.texture, 1.0, Path())
    white = Layer(np.ones_like(layer.texture), layer.scale, layer.path, layer.matte)
    return exposed(black, white).sharp.mean(-1)


BACK = Layer(photograph("motorcycle"), 2.5, drift(BEHIND))
FRONT = front_layer(photograph("coffee"), 5.8, BEFORE)


@pytest.fixture(scope="module")
def clip():
    return exposed(BACK, FRONT)


@pytest.fixture(scope="module")
def matte():
    return matte_of(FRONT)


def test_two_layers_are_told_apart_and_restored(clip, matte):
    latent, flow, found = deblur(clip.blurry, DUTY_CYCLE)
    error = np.linalg.norm(flow - clip.flow, axis=-1).max(1)
    for layer in (matte > 0.5, matte < 0.5):
        inside = np.stack([binary_erosion(frame, iterations=8, border_value=1) for frame in layer])
        assert np.median(error[inside]) < 0.7
    both, either = ((found > 0.5) & (matte > 0.5)).sum(), ((found > 0.5) | (matte > 0.5)).sum()
    assert both > 0.8 * either
    gain = metrics.psnr(latent, clip.sharp) - metrics.psnr(clip.blurry, clip.sharp)
    assert gain.min() > 2.5


def test_layers_explain_the_boundary_better_than_kernels_of_pixels(clip, matte):
    light = exposed(Layer(0 * FRONT.texture, 1.0, Path()), FRONT).sharp
    layers = {
        "front": light / np.maximum(matte, 1e-3)[..., None],
        "back": exposed(BACK).sharp,
        "matte": matte[..., None],
    }
    layers = {name: jnp.asarray(plane) for name, plane in layers.items()}
    tau = jnp.full(FRAMES, DUTY_CYCLE)
    front, back = (
        jnp.broadcast_to(jnp.array([[v.real, v.imag], [-v.real, -v.imag]])[:, None, None], clip.flow.shape)
        for v in (BEFORE, BEHIND)
    )
    layered = layered_blur(layers, front, back, tau, SAMPLES)
    by_pixel = motion_blur(quadratic_path, SAMPLES, jnp.asarray(clip.sharp), jnp.asarray(clip.flow), tau)
    edge = np.stack([binary_dilation(m > 0.5, iterations=4) != binary_erosion(m > 0.5, iterations=4) for m in matte])
    ours, theirs = (np.sqrt(np.square(blur - clip.blurry)[edge].mean()) for blur in (layered, by_pixel))
    assert ours < 0.025
    assert theirs > 1.8 * ours


def test_a_third_motion_is_given_to_one_of_the_two(clip):
    third = front_layer(photograph("chelsea"), 12.0, OTHER, offset=-42 - 30j)
    three = exposed(BACK, FRONT, third)
    matrices, front = affine_layers(three.flow[1])
    assert matrices.shape == (2, 2, 3, 3) and front.shape == (HEIGHT, WIDTH)
    before, behind = homography_flow(matrices, HEIGHT, WIDTH)
    error = np.linalg.norm(np.where(front[..., None], before, behind) - three.flow[1], axis=-1)
    for layer, least, most in ((matte_of(third)[1] > 0.5, 4.0, 20.0), (matte_of(FRONT)[1] > 0.5, 0.0, 1.0)):
        assert least <= np.median(error[:, binary_erosion(layer, iterations=3)]) < most
