"""The scripts of the gallery run on a few pixels; each is short, and its picture is in the docs."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from experiments.gallery.pictures import decibels

ROOT = Path(__file__).parent.parent
PAGE = (ROOT / "docs" / "gallery.md").read_text()
# How many lines a script may have, of how many frames its clip is here, and what its own way gains at least, in
# decibels: on so few pixels it need not gain.
SCRIPTS = {
    "gain": (40, 34, 0.0),
    "disc": (30, 3, 0.0),
    "deep_flow": (30, 3, -1.0),
    "sharpen": (30, 3, 0.0),
    "colours": (30, 3, -0.3),
    "sparse": (30, 3, -0.6),
    "exposure": (30, 3, 0.0),
    "camera": (30, 3, -0.6),
}

pytestmark = pytest.mark.usefixtures("hurried_file")


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_is_short_and_shown(name):
    source = (ROOT / "experiments" / "gallery" / f"{name}.py").read_text()
    assert len(source.splitlines()) <= SCRIPTS[name][0]
    assert f'--8<-- "experiments/gallery/{name}.py"' in PAGE and f"gallery/{name}.png" in PAGE
    assert (ROOT / "docs" / "gallery" / f"{name}.png").exists()
    modules = [line.split()[1] for line in source.splitlines() if line.startswith(("import gvd", "from gvd"))]
    assert set(modules) <= {"gvd_jax"}


def test_every_script_is_tested():
    found = {path.stem for path in (ROOT / "experiments" / "gallery").glob("*.py")}
    assert found == set(SCRIPTS) | {"__init__", "pictures"}


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_runs(name):
    _, frames, gain = SCRIPTS[name]
    pictures = importlib.import_module(f"experiments.gallery.{name}").pictures((frames, 24, 32))
    assert all(np.isfinite(clip).all() and clip.shape == (frames, 24, 32, 3) for clip in pictures.values())
    _, plain, own = decibels(pictures).values()
    assert own > plain + gain
