"""Several devices, several hosts, and a process that was killed and goes on: all give what one process gives."""

import json
import os
import signal
import socket
import subprocess
import sys

import numpy as np
import pytest

from gvd_jax.video.read_write import read_video, write_video

# A step along the gradient of the data term takes the place of the method, for every device and every host compiles
# its own programs.
STEP = """
import os
import signal
import sys
import jax
import jax.numpy as jnp
import numpy as np
import gvd_jax as gvd
from gvd_jax.cli import main
from gvd_jax.method.deblur import FoundCamera
from gvd_jax.method.timeline import plain_timeline
from gvd_jax.ops.transfer import NONE
from gvd_jax.scale import run
from gvd_jax.scale.layout import Layout
from gvd_jax.scale.spans import cut
from gvd_jax.scale.survey import Survey

ENERGY = {"data": gvd.replace(gvd.Config.default().energy["data"], weight=200.0)}
BLUR = gvd.Blur((gvd.MotionBlur(samples=2),))
used = []


@jax.jit
def step(blurry, tau):
    start = gvd.Unknowns(latent=blurry, flow=jnp.ones((*blurry.shape[:1], 2, *blurry.shape[1:3], 2)))
    slope = gvd.energy_gradient(ENERGY, start, gvd.observe(blurry, tau, BLUR))
    return gvd.replace(start, latent=jnp.clip(blurry - 1e-3 * slope.latent, 0, 1))


def block(frames, survey, config, hooks, first):
    blurry, tau = jnp.asarray(frames), jnp.full(len(frames), survey.duty_cycle)
    used.append(str(blurry.device))
    if len(used) == int(os.environ.get("KILLED_AT", 0)):
        os.kill(os.getpid(), signal.SIGKILL)
    found = step(blurry, tau)
    camera = FoundCamera(NONE, tau, jnp.ones((len(tau), 2)))
    zeros = jnp.zeros(blurry.shape[:3])
    return gvd.Result(found, zeros, camera, (), plain_timeline(len(tau)), zeros)


run.restore_block = block
"""
DEVICES = """
frames = np.random.default_rng(0).random((20, 16, 20, 1)).astype(np.float32)
layout = Layout(cut(20, 5, 2), cut(16, 16, 0), cut(20, 20, 0))
windows = [run.Window(k, span) for k, span in enumerate(layout.windows)]


def restored():
    latent = np.empty_like(frames)
    def keep(window, blurry, restored):
        latent[window.span.first : window.span.last] = restored["latent"]
    stream = run.read_windows(enumerate(frames), windows)
    run.restore_windows(stream, len(windows), layout, Survey(0.4), gvd.Config.default(), keep, [])
    return latent


every = jax.local_devices()
several = restored()
count = len(set(used))
jax.local_devices = lambda: every[:1]
alone = restored()
print(len(every), len(windows), count, np.abs(several - alone).max(), np.abs(alone - frames).mean())
"""
COMMAND = """
from gvd_jax.scale import prepare
prepare.take_survey = lambda *_: Survey(0.4, 1.0, 1.0, 1.0)
sys.exit(main(sys.argv[1:]))
"""


def program(source, *arguments):
    return [sys.executable, "-c", STEP + source, *map(str, arguments)]


def test_eight_devices_restore_what_one_restores(tmp_path):
    flags = f"{os.environ['XLA_FLAGS']} --xla_force_host_platform_device_count=8"
    run = subprocess.run(program(DEVICES), env=os.environ | {"XLA_FLAGS": flags}, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    devices, windows, used, difference, change = map(float, run.stdout.split())
    assert (devices, windows, used) == (8, 6, 6)
    assert difference <= 1e-5 and change > 0.01


@pytest.fixture
def port():
    with socket.socket() as free:
        free.bind(("localhost", 0))
        return free.getsockname()[1]


def test_two_hosts_share_a_clip(tmp_path, port):
    frames = np.random.default_rng(0).random((80, 16, 20, 1)).astype(np.float32)
    write_video(tmp_path / "in", frames)
    both = [tmp_path / "in", tmp_path / "shared", "--quiet", "--report", tmp_path / "report", "--json", "--hosts"]
    commands = [program(COMMAND, "deblur", *both, f"localhost:{port},2,{k}") for k in (0, 1)]
    hosts = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for command in commands]
    printed = [host.communicate(timeout=300)[0] for host in hosts]
    assert [host.returncode for host in hosts] == [0, 0]
    assert json.loads(printed[0])["frames"] == 80 and printed[1] == ""
    subprocess.run(program(COMMAND, "deblur", tmp_path / "in", tmp_path / "alone", "--quiet"), check=True)
    shared, alone = (read_video(tmp_path / name).frames for name in ("shared", "alone"))
    np.testing.assert_allclose(shared, alone, atol=1e-5)
    assert np.abs(alone - frames).mean() > 0.01
    assert sorted(p.name for p in tmp_path.iterdir()) == ["alone", "in", "report", "shared"]
    assert (tmp_path / "report" / "index.html").read_text().count('class="frame"') == 48


def test_a_killed_process_goes_on_bit_for_bit(tmp_path):
    # 32 rows, for of a single row of macroblocks libx264 itself does not always make the same bytes.
    frames = np.random.default_rng(0).random((80, 32, 32, 3)).astype(np.float32)
    write_video(tmp_path / "in.mp4", frames)
    arguments = [tmp_path / "in.mp4", tmp_path / "out.mkv", "--quiet", "--resume"]
    killed = subprocess.run(program(COMMAND, "deblur", *arguments), env=os.environ | {"KILLED_AT": "3"})
    assert killed.returncode == -signal.SIGKILL
    unfinished = tmp_path / "out.mkv.unfinished"
    assert [(unfinished / f"{k:06d}").exists() for k in range(4)] == [True, True, False, False]
    subprocess.run(program(COMMAND, "deblur", *arguments), check=True)
    subprocess.run(program(COMMAND, "deblur", tmp_path / "in.mp4", tmp_path / "whole.mkv", "--quiet"), check=True)
    assert (tmp_path / "out.mkv").read_bytes() == (tmp_path / "whole.mkv").read_bytes()
    assert sorted(p.name for p in tmp_path.iterdir()) == ["in.mp4", "out.mkv", "whole.mkv"]
