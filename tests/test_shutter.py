"""What files say of their shutter."""

from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from gvd_jax.video.shutter import EXIF, EXPOSURE_TIME, TAKEN, TAKEN_FRACTION, stated_shutter
from gvd_jax.video.source import Source, open_source
from tests.clips import record


@pytest.mark.parametrize(
    "tags, tau",
    [
        ({}, None),
        ({"com.blackmagic-design.camera.shutterAngle": "172.8°"}, 172.8 / 720),
        ({"com.arri.camera.ShutterAngle": "180"}, 0.25),
        ({"title": "180", "exposure_time": "1/100 s"}, 0.125),
        ({"ShutterSpeed_Time": "unknown", "shutter_speed": "0.02"}, 0.25),
        ({"shutter_speed": "1/25"}, 0.5),
        ({"shutter_angle": "0"}, None),
        ({"shutter_angle": "361"}, 0.5),  # rounded
        ({"exposure_time": "1/0"}, None),
        ({"exposure_time": "10"}, None),  # longer than a frame lasts
    ],
)
def test_tags_of_a_video(tmp_path, tags, tau):
    source = open_source(record(tmp_path / "in.mkv", range(0, 480, 40), Fraction(1, 1000), metadata=tags))
    stated = stated_shutter(source)
    assert (stated is None) == (tau is None)
    if stated is not None:
        assert stated.duty_cycle == pytest.approx(tau)
        assert stated.words.split(" ", 1)[1] in tags.values()


@pytest.mark.parametrize(
    "exposure, fractions, tau",
    [(0.02, ("00", "04", "08"), 0.25), (0.02, ("00", "00", "00"), None), (0.5, ("00", "04", "08"), None)],
    ids=["said", "no interval", "too long"],
)
def test_exif_of_images(tmp_path, exposure, fractions, tau):
    for k, fraction in enumerate(fractions):
        exif = Image.Exif()
        exif[EXIF] = {EXPOSURE_TIME: exposure, TAKEN: "2026:01:02 03:04:05", TAKEN_FRACTION: fraction}
        Image.fromarray(np.full((16, 16, 3), 90, np.uint8)).save(tmp_path / f"{k}.jpg", exif=exif)
    stated = stated_shutter(open_source(tmp_path))
    assert (stated and stated.duty_cycle) == (tau and pytest.approx(tau, abs=1e-6))


def test_images_and_arrays_that_say_nothing(tmp_path):
    for k in range(2):
        Image.fromarray(np.full((16, 16, 3), 90, np.uint8)).save(tmp_path / f"{k}.png")
    assert stated_shutter(open_source(tmp_path)) is None
    assert stated_shutter(Source(None, 2, 16, 16, 3)) is None
