"""Damaged, absurd and adversarial files: a correct result, or one line on standard error, status 2 and no trace.

So it is for names and places, options, and arrays in the files beside this one.
"""

import pytest

from tests.commands import calls, private_cache
from tests.hard_clips import DAMAGES, FILES, RECORDINGS, absurd_atom, make
from tests.hard_images import DEEP, IMAGES, RGB, encoded, png, tiff
from tests.hard_input import bench, case
from tests.test_hard_arrays import FRAMES, TAUS
from tests.test_hard_method import CLIPS
from tests.test_hard_options import DEBLUR, NUMBERS, SINGLE
from tests.test_hard_outputs import CHANGES, JSON, OUTPUTS
from tests.test_hard_places import NAMES, TRAPS

__all__ = ["bench", "calls", "private_cache"]  # fixtures

DAMAGED = {
    "a.png": png(RGB),
    "a.jpg": encoded(RGB, "jpeg"),
    "a.tif": tiff(RGB),
    "deep.tif": tiff(DEEP, compression="zlib"),
}
ATOMS = range(20)


@pytest.fixture(scope="module")
def recordings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("recordings")
    return {name: make(folder / name, **settings).read_bytes() for name, settings in RECORDINGS.items()}


def restore(bench, path, output="out", ok=None, count=None):
    """Restore a clip of so many frames, if it can be."""
    if bench.deblur(path, output, ok=ok) == 0 and count:
        assert len(bench.calls[0].frames) == count


@pytest.mark.parametrize("name", RECORDINGS)
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_recordings(bench, recordings, damage, name):
    seed = [*DAMAGES].index(damage)
    with case(f"{damage} {name}", seed) as rng:
        path = bench.folder / name
        path.write_bytes(DAMAGES[damage](recordings[name], rng))
        restore(bench, path, "out" if seed % 3 else "out.mp4", count=6 if damage == "truncated" else None)


@pytest.mark.parametrize("name", RECORDINGS)
def test_sound_recordings(bench, recordings, name):
    (bench.folder / name).write_bytes(recordings[name])
    restore(bench, bench.folder / name, ok=True, count=6)


@pytest.mark.parametrize("name", ["h264.mp4", "prores.mov"])
@pytest.mark.parametrize("seed", ATOMS)
def test_recordings_with_an_absurd_index(bench, recordings, name, seed):
    with case(name, seed) as rng:
        (bench.folder / name).write_bytes(absurd_atom(recordings[name], rng))
        restore(bench, bench.folder / name, "out" if seed % 3 else "out.mp4")


@pytest.mark.parametrize("name", FILES)
def test_odd_files(bench, name):
    write, ok, count = FILES[name]
    timed = any(word in name for word in ("times", "fps", "changes", "aspect", "odd"))  # what matters to a video
    path = write(bench.folder / name)
    restore(bench, path, "out.mp4" if timed else "out", ok=ok, count=count)


def fill(folder, name, data):
    """Three images, the one in the middle a strange one."""
    folder.mkdir()
    for k in (0, 2):
        (folder / f"{k}.png").write_bytes(png(RGB))
    (folder / f"1 {name}").write_bytes(data)
    return folder


@pytest.mark.parametrize("name", IMAGES)
def test_odd_images(bench, name):
    data, ok = IMAGES[name]
    restore(bench, fill(bench.folder / "in", name, data), ok=ok, count=3)


@pytest.mark.parametrize("name", DAMAGED)
@pytest.mark.parametrize("damage", DAMAGES)
def test_damaged_images(bench, damage, name):
    with case(f"{damage} {name}", 0) as rng:
        data = DAMAGES[damage](DAMAGED[name], rng)
        ok = False if damage == "truncated" else None
        restore(bench, fill(bench.folder / "in", name, data), ok=ok, count=3)


def test_there_are_enough_cases():
    files = (len(DAMAGES) + 1) * len(RECORDINGS) + 2 * len(ATOMS)
    images = len(IMAGES) + len(DAMAGED) * len(DAMAGES)
    places = len(NAMES) + len(TRAPS) + 2 * len(OUTPUTS) + len(JSON) + 2 * len(CHANGES)
    options = sum(map(len, SINGLE.values())) * len(NUMBERS) + len(DEBLUR)
    arrays = len(FRAMES) + len(TAUS) + len(CLIPS)
    counts = (files, len(FILES), images, places, options, arrays)
    assert min(counts) > 60 and sum(counts) > 1000, counts
