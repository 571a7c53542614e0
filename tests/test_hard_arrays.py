"""Arrays that are absurd: a correct result, or an `InputError` that says what was wrong."""

import os

import jax.numpy as jnp
import numpy as np
import pytest

from gvd_jax.errors import InputError
from gvd_jax.method.inputs import check_duty_cycle, check_frames
from gvd_jax.video.read_write import read_video, write_video
from tests.hard_input import case, contents

GOOD = np.random.default_rng(0).random((3, 6, 8, 3)).astype(np.float32)
SEEDS = range(3)


def told(refusal):
    """The message of a refusal is one line that says what and what to do."""
    text = str(refusal)
    return len(text) > 30 and "\n" not in text and any(mark in text for mark in ";:(")


def spoiled(value, count=1):
    """One value, or some, at random places."""

    def make(rng, dtype=np.float32):
        frames = GOOD.astype(dtype)
        frames.reshape(-1)[rng.integers(0, frames.size, count)] = value
        return frames

    return make


def mapped(rng):
    """A memory map, of which the file is gone."""
    import tempfile

    with tempfile.TemporaryFile() as file:
        held = np.memmap(file, np.float32, "w+", shape=GOOD.shape)
        held[:] = GOOD
        return held


def read_only(rng):
    frames = GOOD.copy()
    frames.setflags(write=False)
    return frames


FRAMES = {
    "float32": (lambda rng: GOOD, True),
    "float16": (lambda rng: GOOD.astype(np.float16), True),
    "float64": (lambda rng: GOOD.astype(np.float64), True),
    "longdouble": (lambda rng: GOOD.astype(np.longdouble), True),
    "big endian": (lambda rng: GOOD.astype(">f4"), True),
    "bfloat16": (lambda rng: jnp.asarray(GOOD, jnp.bfloat16), True),
    "JAX": (lambda rng: jnp.asarray(GOOD), True),
    "lists": (lambda rng: GOOD.tolist(), True),
    "Fortran": (lambda rng: np.asfortranarray(GOOD), True),
    "turned round": (lambda rng: GOOD[::-1, ::-1, ::-1], True),
    "every other": (lambda rng: GOOD[:, ::2, ::3], True),
    "transposed": (lambda rng: GOOD.swapaxes(1, 2), True),
    "read only": (read_only, True),
    "broadcast": (lambda rng: np.broadcast_to(GOOD[:1, :, :1], GOOD.shape), True),
    "memory map": (mapped, True),
    "masked nowhere": (lambda rng: np.ma.masked_array(GOOD, False), True),
    "two frames": (lambda rng: GOOD[:2], True),
    "one pixel": (lambda rng: GOOD[:, :1, :1], True),
    "gray": (lambda rng: GOOD[..., :1], True),
    "subnormal": (lambda rng: np.full(GOOD.shape, 1e-310), True),
    "tiny float32": (spoiled(1e-45), True),
    "minus zero": (spoiled(-0.0), True),
    "a hair below": (spoiled(-1e-4), True),
    "a hair above": (spoiled(1 + 1e-4), True),
    "NaN": (spoiled(np.nan), False),
    "some NaN": (spoiled(np.nan, 9), False),
    "all NaN": (lambda rng: np.full(GOOD.shape, np.nan), False),
    "infinity": (spoiled(np.inf), False),
    "minus infinity": (spoiled(-np.inf), False),
    "NaN of float16": (lambda rng: spoiled(np.nan)(rng, np.float16), False),
    "1e300": (lambda rng: spoiled(1e300)(rng, np.float64), False),
    "-1e300": (lambda rng: spoiled(-1e300)(rng, np.float64), False),
    "1e38": (spoiled(1e38), False),
    "1e4000": (lambda rng: spoiled(np.longdouble("1e4000"))(rng, np.longdouble), False),
    "bytes": (lambda rng: (GOOD * 255).astype(np.uint8), False),
    "floats to 255": (lambda rng: GOOD * 255, False),
    "centred": (lambda rng: GOOD - 0.5, False),
    "int64": (lambda rng: np.ones(GOOD.shape, np.int64), False),
    "bool": (lambda rng: GOOD > 0.5, False),
    "complex": (lambda rng: GOOD.astype(complex), False),
    "objects": (lambda rng: GOOD.astype(object), False),
    "Nones": (lambda rng: np.full(GOOD.shape, None), False),
    "strings": (lambda rng: GOOD.astype(str), False),
    "dates": (lambda rng: np.zeros(GOOD.shape, "M8[s]"), False),
    "records": (lambda rng: np.zeros(GOOD.shape, [("a", "f4")]), False),
    "masked": (lambda rng: np.ma.masked_less(GOOD, 0.5), False),
    "masked NaN": (lambda rng: np.ma.masked_invalid(spoiled(np.nan)(rng)), False),
    "ragged": (lambda rng: [GOOD[0].tolist(), GOOD[0, 1:].tolist()], False),
    "None": (lambda rng: None, False),
    "a word": (lambda rng: "frames.mp4", False),
    "a number": (lambda rng: 0.5, False),
    "a dictionary": (lambda rng: {"frames": GOOD}, False),
    "nothing": (lambda rng: [], False),
    "an iterator": (lambda rng: iter(GOOD), False),
    "one frame": (lambda rng: GOOD[:1], False),
    "no frame": (lambda rng: GOOD[:0], False),
    "no rows": (lambda rng: GOOD[:, :0], False),
    "no columns": (lambda rng: GOOD[:, :, :0], False),
    "no channels": (lambda rng: GOOD[..., :0], False),
    "two channels": (lambda rng: GOOD[..., :2], False),
    "four channels": (lambda rng: np.ones((3, 6, 8, 4)), False),
    "three axes": (lambda rng: GOOD[0], False),
    "five axes": (lambda rng: GOOD[None], False),
    "no axes": (lambda rng: np.float32(0), False),
    "channels first": (lambda rng: GOOD.transpose(0, 3, 1, 2), False),
}


@pytest.mark.parametrize("kind", FRAMES)
def test_frames(kind):
    make, ok = FRAMES[kind]
    for seed in SEEDS:
        with case(kind, seed) as rng:
            given = make(rng)
            if not ok:
                with pytest.raises(InputError) as refusal:
                    check_frames(given)
                assert told(refusal.value)
                continue
            values = np.array(given, np.float64)
            frames = check_frames(given)
            assert frames.dtype == jnp.float32 and frames.shape == values.shape
            np.testing.assert_allclose(frames, np.clip(values, 0, 1), atol=1e-7)
            np.testing.assert_array_equal(np.array(given, np.float64), values)


TAUS = {
    **{
        f"{value!r}": (value, True)
        for value in (0.5, 0.25, 1e-6, np.float32(0.3), np.float16(0.5), np.float64(0.1), 0, 0.0, -0.0)
    },
    "one per frame": ([0.1, 0.2, 0.3], True),
    "array": (np.full(3, 0.3), True),
    "JAX": (jnp.full(3, 0.3), True),
    "JAX number": (jnp.asarray(0.3), True),
    "tuple": ((0.1, 0.2, 0.3), True),
    "array of no axes": (np.asarray(0.2), True),
    **{f"{v!r}": (v, False) for v in (-0.25, 0.500001, 1, 2, -1, 180, 1e300, -1e300, -1e-320, 10**400)},
    **{
        f"{v!r}": (v, False) for v in (float("nan"), float("inf"), -float("inf"), True, None, 0.3j, b"auto", {}, [], ())
    },
    **{
        f"{v!r}": (v, False)
        for v in ("", "Auto", "auto ", "0.25", "nan", "per frame", "180 deg", "a\nb", slice(3), object)
    },
    "one NaN": ([0.1, float("nan"), 0.3], False),
    "one zero": ([0.1, 0.0, 0.3], True),
    "too few": ([0.1, 0.2], False),
    "one in a list": ([0.1], False),
    "too many": ([0.1] * 4, False),
    "strings": (["0.1", "0.2", "0.3"], False),
    "Nones": ([None, None, None], False),
    "objects": (np.full(3, 0.3, object), False),
    "bools": ([True, False, True], False),
    "complex": (np.full(3, 0.3 + 0.1j), False),
    "a column": (np.full((3, 1), 0.3), False),
    "ragged": ([[0.1], [0.2, 0.3], 0.1], False),
    "masked": (np.ma.masked_array([0.1, 0.2, 0.3], [False, True, False]), False),
    "dates": (np.zeros(3, "M8[s]"), False),
}


@pytest.mark.parametrize("kind", TAUS)
def test_duty_cycles(kind):
    tau, ok = TAUS[kind]
    if ok:
        found = check_duty_cycle(tau, 3)
        np.testing.assert_allclose(found, np.broadcast_to(np.asarray(tau, np.float64), 3), rtol=1e-3)
    else:
        with pytest.raises(InputError) as refusal:
            check_duty_cycle(tau, 3)
        assert told(refusal.value) or isinstance(tau, str)
        assert "\n" not in str(refusal.value)


NAMES = {
    "slashes": ("a/b.png", "/etc/c.png", "//d.png"),
    "up": ("../a.png", "../../b.png", "/../c.png"),
    "dots": (".", "..", "..."),
    "dots and suffix": ("..png", "...png", "....png"),
    "equal": ("a.png", "a.png", "b.png"),
    "equal stems": ("a.png", "a.jpg", "b.png"),
    "capitals": ("a.png", "A.png", "b.png"),
    "too many": ("a", "b", "c", "d"),
    "too many and equal": ("a", "a", "b", "c"),
    "too few": ("a", "b"),
    "empty": ("", "a", "b"),
    "hidden": (".a.png", ".b.png", ".c.png"),
    "null": ("a\0b.png", "b.png", "c.png"),
    "long": ("a" * 300, "b", "c"),
    "half a letter": ("\ud800.png", "b.png", "c.png"),
    "bytes": (os.fsdecode(b"\xff.png"), "b.png", "c.png"),
    "lines": ("a\nb.png", "b\rc.png", "\t.png"),
    "backslashes": ("..\\a.png", "C:\\b.png", "c:d.png"),
    "spaces": (" ", "  ", "   "),
    "percent": ("%d.png", "%s.png", "%05d.png"),
    "videos": ("a.mp4", "b.mp4", "c.mp4"),
    "options": ("-rf", "--help", "-"),
    "numbers out of order": ("10.png", "9.png", "8.png"),
}


@pytest.mark.parametrize("kind", NAMES)
def test_names_never_lead_out_of_the_folder(tmp_path, kind):
    write_video(tmp_path / "a" / "b" / "out", GOOD, names=NAMES[kind])
    files = [path for path in contents(tmp_path) if path.is_file()]
    assert len(files) == 3 and {path.parent for path in files} == {tmp_path / "a" / "b" / "out"}
    found = read_video(tmp_path / "a" / "b" / "out").frames
    np.testing.assert_allclose(sorted(found.sum((1, 2, 3))), sorted(GOOD.sum((1, 2, 3))), rtol=1e-3)


RATES = (0, 0.0, -1, -25.0, float("nan"), float("inf"), -float("inf"), 1e-12, 1e-5, 1e9, 1e300, 5e-324)


@pytest.mark.parametrize("name", ["out", "out.mp4"])
@pytest.mark.parametrize("fps", RATES)
def test_rates_that_are_none(tmp_path, name, fps):
    with pytest.raises(InputError) as refusal:
        write_video(tmp_path / name, GOOD, fps)
    assert told(refusal.value) and not contents(tmp_path)


@pytest.mark.parametrize("fps", [0.01, 1 / 3, 1000, 120_000, np.float64(23.976), True])
def test_odd_rates(tmp_path, fps):
    write_video(tmp_path / "out.mp4", GOOD, fps)
    assert read_video(tmp_path / "out.mp4").fps == pytest.approx(float(fps), rel=1e-3)


WRITTEN = {
    kind: make
    for kind, (make, ok) in FRAMES.items()
    if not ok
    and kind not in ("1e300", "-1e300", "1e38", "1e4000", "floats to 255", "centred", "one frame")
    and kind not in ("an iterator", "None", "a dictionary")  # types that no caller of checked code may give
}


@pytest.mark.parametrize("kind", WRITTEN)
def test_what_cannot_be_written_leaves_nothing(tmp_path, kind):
    for name in ("out", "out.mp4", "out.webm"):
        with pytest.raises(InputError) as refusal:
            write_video(tmp_path / name, WRITTEN[kind](np.random.default_rng(0)))
        assert told(refusal.value) and not contents(tmp_path)


SLICES = (
    slice(-1, None),
    slice(0, -1),
    slice(2, 1),
    slice(0, 0),
    slice(3, 4),
    slice(0, 4),
    slice(0, 10**30),
    slice(0, 2, 2),
)
SLICES += (slice(None, None, -1), slice(0.5, 2), slice("a"), slice(None, "b"), slice(0, 2, 0), slice(10**30, None))


@pytest.mark.parametrize("frames", SLICES, ids=str)
def test_parts_of_a_clip_that_are_none(tmp_path, frames):
    write_video(tmp_path / "in", GOOD)
    with pytest.raises(InputError) as refusal:
        read_video(tmp_path / "in", frames)
    assert told(refusal.value)
    for path in ("a\0b", tmp_path / "none", ""):
        with pytest.raises(InputError):
            read_video(path, frames)
