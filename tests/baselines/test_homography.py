"""Homographies of one global motion: right for a shaken camera, wrong on what moves on its own."""

import numpy as np
import pytest

from experiments.baselines.homography import deblur, homographies, homography_flow
from gvd_jax import metrics
from gvd_jax.errors import InputError
from gvd_jax.video.layers import Layer, Path, ellipse, photograph, random_path
from gvd_jax.video.synthesize import RenderedClip, render

FRAMES, HEIGHT, WIDTH, DUTY_CYCLE = 5, 96, 128, 0.45


def shaken(name: str) -> Layer:
    """A photograph under a camera that shakes and rolls."""
    return Layer(photograph(name), 3.0, random_path(np.random.default_rng(1), FRAMES, 5.0, turn=0.01))


def exposed(*layers: Layer) -> RenderedClip:
    return render(list(layers), FRAMES, HEIGHT, WIDTH, DUTY_CYCLE)


def flow_of(clip: RenderedClip) -> np.ndarray:
    return homography_flow(homographies(clip.blurry.mean(-1)), HEIGHT, WIDTH)


@pytest.mark.parametrize("name", ["astronaut", "coffee", "motorcycle"])
def test_the_flow_of_a_shaken_camera_is_found_in_its_blurry_frames(name):
    clip = exposed(shaken(name))
    error = np.linalg.norm(flow_of(clip) - clip.flow, axis=-1)
    error[0, 1] = error[-1, 0] = 0  # no frame shows the motion beyond the ends
    assert np.linalg.norm(clip.flow, axis=-1).mean() > 4
    assert error.mean((2, 3)).max() < 0.3


def test_the_blur_of_a_shaken_camera_is_undone():
    clip = exposed(shaken("coffee"))
    gain = metrics.psnr(deblur(clip.blurry, DUTY_CYCLE)[0], clip.sharp) - metrics.psnr(clip.blurry, clip.sharp)
    assert gain[1:-1].min() > 1
    assert gain.mean() > 3


def test_what_moves_on_its_own_gets_the_kernels_of_the_camera():
    photo = photograph("coffee")
    matte = ellipse(photo.shape, photo.shape[1] / 2 + 0.5j * photo.shape[0], 120 + 100j)
    clip = exposed(shaken("motorcycle"), Layer(photo, 5.0, Path(drift=4 - 3j), matte))
    front = exposed(Layer(0 * photo, 1.0, Path()), Layer(photo / photo.max(), 5.0, Path(drift=4 - 3j), matte))
    moving = front.sharp.mean(-1) > 0.2
    error = np.linalg.norm(flow_of(clip) - clip.flow, axis=-1)[1:-1]
    inside = np.repeat(moving[1:-1, None], 2, 1)
    assert error[inside].mean() > 3
    assert error[inside].mean() > 5 * error[~inside].mean()


def test_a_translation_by_hand():
    matrix = np.array([[1.0, 0, 2], [0, 1, -3], [0, 0, 1]])
    np.testing.assert_allclose(homography_flow(matrix, 4, 5), np.broadcast_to([2, -3], (4, 5, 2)))


def test_frames_without_texture_are_refused():
    with pytest.raises(InputError, match="no homography leads from frame 0"):
        homographies(np.full((2, 64, 80), 0.5, np.float32))
