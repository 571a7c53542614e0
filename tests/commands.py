"""The command line with the method replaced by one that is done at once."""

from types import SimpleNamespace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gvd_jax as gvd
from gvd_jax.method.deblur import FoundCamera
from gvd_jax.method.timeline import plain_timeline
from gvd_jax.ops.transfer import NONE
from gvd_jax.progress import Progress
from gvd_jax.video.read_write import write_video

FRAMES = np.random.default_rng(0).integers(0, 256, (5, 24, 32, 3)).astype(np.float32) / 255


@pytest.fixture(autouse=True)
def private_cache(tmp_path, monkeypatch):
    """Compiled programs go where the test looks, and JAX forgets about it afterwards."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    before = jax.config.jax_compilation_cache_dir
    jax.config.update("jax_compilation_cache_dir", None)
    yield
    jax.config.update("jax_compilation_cache_dir", before)


def result_of(latent, flow, defocus, confidence, tau, history):
    """What a method that found this would give."""
    latent, flow, defocus, confidence, tau = map(jnp.asarray, (latent, flow, defocus, confidence, tau))
    unknowns = gvd.Unknowns(latent=latent, flow=flow, defocus=defocus)
    camera = FoundCamera(NONE, tau, jnp.tile(jnp.array([1.0, 0.0]), (len(tau), 1)))
    return gvd.Result(unknowns, confidence, camera, tuple(history), plain_timeline(len(tau)), 0 * confidence)


@pytest.fixture
def calls(monkeypatch):
    """The method inverts frames and reports two steps; holds the arguments of its calls."""
    held = []

    def invert(frames, duty_cycle, config, hooks):
        held.append(SimpleNamespace(frames=frames, duty_cycle=duty_cycle, config=config))
        count, height, width = frames.shape[:3]
        flow, ones = np.ones((count, 2, height, width, 2), np.float32), np.ones((count, height, width), np.float32)
        steps = [Progress("latent", k, 2, (height, width), 0.5 + k / 2, 60.0, {"data": 1.0}) for k in (0, 1)]
        for step in steps:
            for hook in hooks:
                hook(step)
        tau = np.full(count, 0.4 if duty_cycle == "auto" else duty_cycle, np.float32)
        return result_of(1 - frames, flow, ones, ones, tau, steps)

    def block(frames, survey, config, hooks, first=0):
        return invert(frames, survey.duty_cycle, survey.settings(config), hooks)

    def whole(frames, duty_cycle="auto", config=None, flow=None, hooks=()):
        return invert(frames, duty_cycle, config, hooks)

    # The frames of these tests are noise, which has nothing to do with that of the next frame.
    monkeypatch.setattr("gvd_jax.scale.clip.find_timeline", lambda frames: plain_timeline(len(list(frames))))
    monkeypatch.setattr("gvd_jax.scale.run.restore_block", block)
    monkeypatch.setattr("gvd_jax.scale.write.restore_block", block)
    monkeypatch.setattr("gvd_jax.method.deblur.deblur", whole)
    return held


@pytest.fixture
def folder(tmp_path):
    """A folder of five frames."""
    write_video(tmp_path / "in", FRAMES, names=tuple(f"shot{k}.jpg" for k in range(5)))
    return tmp_path / "in"


def error_line(capsys):
    """The one line on standard error, which names the program."""
    text = capsys.readouterr().err
    assert text.startswith("gvd-jax: ") and text.count("\n") == 1 and text.endswith("\n")
    return text
