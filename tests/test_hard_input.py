"""Damaged, absurd and adversarial input: a correct result, or one line on standard error, status 2 and no trace."""

import os

import pytest

from tests.commands import calls, private_cache
from tests.hard_clips import DAMAGES, FILES, IMAGES, RECORDINGS, absurd_atom, make, png, RGB, DEEP, tiff, encoded
from tests.hard_input import Bench, case

__all__ = ["calls", "private_cache"]  # fixtures

N = int(os.environ.get("HP_N", "1"))
S0 = int(os.environ.get("HP_S0", "0"))


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    return {name: make(folder / name, **settings).read_bytes() for name, settings in RECORDINGS.items()}


@pytest.fixture
def bench(tmp_path, calls, capfd):
    (tmp_path / "here").mkdir()
    return Bench(tmp_path / "here", calls, capfd)


@pytest.mark.parametrize("seed", range(S0, S0 + N))
@pytest.mark.parametrize("name", RECORDINGS)
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_recordings(bench, recordings, damage, name, seed):
    with case(f"{damage} {name}", seed) as rng:
        path = bench.folder / name
        path.write_bytes(DAMAGES[damage](recordings[name], rng))
        status = bench.deblur(path, "out" if seed % 3 else "out.mp4")
        if damage == "truncated" and status == 0:
            assert len(bench.calls[0].frames) == 6


@pytest.mark.parametrize("seed", range(S0, S0 + 20*N))
@pytest.mark.parametrize("name", ["h264.mp4", "prores.mov"])
def test_absurd_atoms(bench, recordings, name, seed):
    with case(name, seed) as rng:
        path = bench.folder / name
        path.write_bytes(absurd_atom(recordings[name], rng))
        bench.deblur(path, "out" if seed % 3 else "out.mp4")


@pytest.mark.parametrize("name", FILES)
def test_files(bench, name):
    write, ok, count = FILES[name]
    path = write(bench.folder / name)
    for output in ("out", "out.mp4"):
        status = bench.deblur(path, output, ok=None if ok and output == "out.mp4" else ok)
        assert status or len(bench.calls[0].frames) == count


def fill(folder, name, data):
    """Three images, the one in the middle a strange one."""
    folder.mkdir()
    for k in (0, 2):
        (folder / f"{k}.png").write_bytes(png(RGB))
    (folder / f"1 {name}").write_bytes(data)
    return folder


@pytest.mark.parametrize("name", IMAGES)
def test_images(bench, name):
    data, ok = IMAGES[name]
    status = bench.deblur(fill(bench.folder / "in", name, data), ok=ok)
    assert status or len(bench.calls[0].frames) == 3


@pytest.mark.parametrize("seed", range(S0, S0 + N))
@pytest.mark.parametrize("name, data", [("a.png", png(RGB)), ("a.jpg", encoded(RGB, "jpeg")), ("a.tif", tiff(RGB)), ("b.tif", tiff(DEEP, compression="zlib"))])
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_images(bench, damage, name, data, seed):
    with case(f"{damage} {name}", seed) as rng:
        data = DAMAGES[damage](data, rng)
        status = bench.deblur(fill(bench.folder / "in", name, data), ok=None)
        assert status or len(bench.calls[0].frames) == 3
