"""Places that outputs go to: what may be written where, and that a name only ever stands for something complete."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from av.error import FFmpegError

from gvd_jax.errors import InputError

VIDEO_SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm")
LONGEST_NAME = 220  # bytes: file systems have 255, and what is not finished has a longer name


def check_output(path: str | Path, overwrite: bool) -> None:
    """Raise `InputError` unless `write_video` may write to `path`; nothing is written.

    Only a folder that holds nothing but PNG files is ever overwritten, for it is replaced as a whole.
    """
    path = Path(path)
    if not is_folder(path) and path.suffix.lower() not in VIDEO_SUFFIXES:
        raise InputError(f"cannot write {path}: name a folder, or a file that ends in {', '.join(VIDEO_SUFFIXES)}")
    check_free(path, overwrite)
    entries = real(path).iterdir() if os.path.isdir(real(path)) else ()
    if not all(entry.suffix.lower() == ".png" and entry.is_file() for entry in entries):
        raise InputError(f"{path} holds more than PNG files and is not overwritten; choose another folder")


def check_free(path: Path, overwrite: bool) -> None:
    """Raise `InputError` if a file or folder `path` exists, unless empty or to be overwritten, or cannot be made."""
    if len(os.fsencode(path.name)) > LONGEST_NAME:
        raise InputError(f"the name of {path} is too long; choose one of at most {LONGEST_NAME} bytes")
    place = real(path)
    taken, empty = os.path.lexists(place), place.is_dir() and not any(place.iterdir())
    if taken and not (empty or overwrite):
        raise InputError(f"{path} exists; choose another name or give --overwrite")
    if taken and not (place.is_dir() or place.is_file()):
        raise InputError(f"{path} is neither a file nor a folder and is not overwritten; choose another name")
    nearest = next((parent for parent in place.parents if parent.exists()), place)
    for where in (nearest, place) if taken else (nearest,):
        if not os.access(where, os.W_OK) or not nearest.is_dir():
            raise InputError(f"cannot write {path}: {where} is no folder one may write to; choose another place")


def is_folder(path: Path) -> bool:
    """Whether an output of this name is a folder of images."""
    return os.path.isdir(real(path)) or not path.suffix  # no error for names that are too long


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary sibling that takes the place of `path` once the block succeeds and vanishes if it does not.

    What stood there is moved aside before, and back if the last step fails.
    """
    path = real(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary, former = beside(path, "new"), beside(path, "old")
    try:
        yield temporary
        if path.is_dir() or (path.exists() and temporary.is_dir()):  # a folder is not replaced in one step
            path.replace(former)
        try:
            temporary.replace(path)
        except OSError:
            if former.exists():
                former.replace(path)
            raise
    finally:
        remove(temporary)
    remove(former)


def real(path: Path) -> Path:
    """Where a path leads to; unlike `Path.resolve`, links in a loop are no error."""
    return Path(os.path.realpath(path))


def beside(path: Path, role: str) -> Path:
    """A hidden sibling of `path`, on the same disk, that no other process has."""
    return path.with_name(f".{os.getpid()}-{role}-{path.name}")


def remove(path: Path) -> None:
    """Remove a file or folder, if there is one."""
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def sync(path: Path) -> None:
    """Wait until a file lies on the disk: a loss of power after the renaming must not leave an empty one."""
    with path.open("rb+") as file:
        os.fsync(file.fileno())


@contextmanager
def failures_named(path: Path) -> Iterator[None]:
    """Errors of the system become the one line that a user may see."""
    try:
        yield
    except (OSError, FFmpegError) as error:
        raise InputError(f"cannot write {path}: {error.strerror or error}") from error
