"""Damaged, absurd and adversarial clips, and what may come of them: a correct result, or one line and no trace."""

import signal
import warnings
from contextlib import ExitStack, contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest

from gvd_jax import cli
from gvd_jax.commands.deblur import Deblur
from gvd_jax.commands.score import Score
from gvd_jax.commands.synthesize import Synthesize
from gvd_jax.video.read_write import read_video

LIMIT = 20  # seconds that one command may take


class Hanging(BaseException):
    """A command took too long; no handler of errors may catch this."""


@contextmanager
def in_time():
    """Whatever hangs is an error."""

    def stop(*_):
        raise Hanging

    before = signal.signal(signal.SIGALRM, stop)
    signal.alarm(LIMIT)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def contents(folder):
    """Every name under a folder, and what lies there: bytes, the target of a link, or the kind of thing."""

    def look(path):
        if path.is_symlink():
            return "link", path.readlink()
        return path.read_bytes() if path.is_file() else (path.lstat().st_mode & 0o170000, path.is_dir())

    return {path: look(path) for path in sorted(folder.rglob("*"))}


class Bench:
    """Runs commands in a folder and holds them to the promise."""

    def __init__(self, folder, calls, capfd):
        self.folder, self.calls, self.capfd = folder, calls, capfd

    def run(self, *command, writes=(), touched=(), ok=None):
        """Exit status of a command, words or itself, that keeps the promise; `ok` if it is sure to succeed, or not to.

        It `writes` here if it succeeds; others have `touched` something meanwhile.
        """
        before = contents(self.folder)
        del self.calls[:]
        self.capfd.readouterr()
        words = [str(word) for word in command]
        with in_time(), warnings.catch_warnings(record=True) as warned, ExitStack() as stack:
            warnings.simplefilter("always")
            if isinstance(command[0], Deblur | Score | Synthesize):  # quicker than through the words
                stack.enter_context(patch.object(cli, "parse", lambda _: command[0]))
            status = cli.main(words)
        out, err = self.capfd.readouterr()
        after = contents(self.folder)
        assert not [w for w in warned if not issubclass(w.category, DeprecationWarning)], [str(w) for w in warned]
        assert status in (0, 2) and ok in (None, status == 0), (status, err)
        assert all(line.startswith("gvd-jax: ") for line in err.splitlines()), err
        if status == 2:
            assert err.count("\n") == 1 and len(err) > 30, err
            assert not out
        assert "\x1b" not in err
        allowed = [*touched, *(writes if status == 0 else ())]
        for path in set(before) | set(after):
            if not any(path.is_relative_to(place) or place.is_relative_to(path) for place in allowed):
                assert after.get(path) == before.get(path), path
        return status

    def deblur(self, source, output="out", *options, ok=None):
        """Restore a clip; what is written is what the stub makes of what was read."""
        path = self.folder / output
        words = ("deblur", source, path, "--quiet", *options)
        command = words if options else (Deblur(Path(source), path, quiet=True),)
        status = self.run(*command, writes=[path, path.with_name(f"{path.name}.preview.png")], ok=ok)
        if status == 0:
            given, clip = np.asarray(self.calls[0].frames), read_video(path)
            assert np.isfinite(given).all() and given.min() >= 0 and given.max() <= 1
            check_inverted(clip, given, lossy=path.is_file())
        else:
            assert not self.calls
        return status


def check_inverted(clip, given, lossy):
    """The frames of a clip are the inverse of those that were given."""
    count, height, width, channels = given.shape
    even = (height + height % 2, width + width % 2) if lossy else (height, width)
    assert clip.frames.shape == (count, *even, 3 if lossy else channels)
    assert np.isfinite(clip.frames).all() and clip.frames.min() >= 0 and clip.frames.max() <= 1
    error = np.abs(clip.frames[:, :height, :width] - (1 - given))
    if lossy:
        assert error.mean() < 0.12  # chroma of half the size
    else:
        assert error.max() <= 0.51 / (2**clip.bit_depth - 1)


@contextmanager
def case(kind, seed):
    """Names the case in whatever fails."""
    try:
        yield np.random.default_rng([seed, *kind.encode()])
    except BaseException as error:
        error.add_note(f"case {kind!r}, seed {seed}")
        raise


@pytest.fixture
def bench(tmp_path, calls, capfd):
    """In an empty folder."""
    (tmp_path / "here").mkdir()
    return Bench(tmp_path / "here", calls, capfd)
