"""A job and what is finished of it, in a folder beside the output, so that a run that broke off can go on.

The folder holds job.json, what was asked and what was found out, and a folder per finished window. Everything appears
there under its name when it is complete.
"""

import json
import os
import platform
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gvd_jax.errors import InputError
from gvd_jax.video.places import failures_named, real, replacing

FACTS, RUNNING = "job.json", ".running"


@dataclass(frozen=True)
class Job:
    """The folder, and what was asked: JSON values."""

    folder: Path
    asked: Mapping[str, Any]

    @property
    def facts(self) -> Path:
        """The file of what was asked and found out."""
        return self.folder / FACTS

    @property
    def found(self) -> dict[str, Any] | None:
        """What was found out when the job began; None if it has not."""
        return json.loads(self.facts.read_text())["found"] if self.facts.exists() else None

    def begin(self, found: dict[str, Any]) -> None:
        """Keep what was found out."""
        self.folder.mkdir(parents=True, exist_ok=True)
        write_whole(self.facts, json.dumps({"asked": self.asked, "found": found}, indent=1))

    @contextmanager
    def running(self) -> Iterator[None]:
        """While this process works on it, no other one on this machine begins."""
        mark = self.folder / RUNNING
        with failures_named(self.folder):
            self.folder.mkdir(parents=True, exist_ok=True)
            mark.write_text(f"{os.getpid()} {platform.node()}")
        try:
            yield
        finally:
            mark.unlink(missing_ok=True)

    def window(self, number: int) -> Path:
        """Where a window is when it is finished."""
        return self.folder / f"{number:06d}"

    def finish_window(self, number: int, write: Callable[[Path], None]) -> None:
        """Let `write` fill a folder, and keep it as that of the window."""
        temporary = self.folder / f".{number:06d}"
        shutil.rmtree(temporary, ignore_errors=True)
        temporary.mkdir()
        write(temporary)
        temporary.replace(self.window(number))

    def clear(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self.folder, ignore_errors=True)


def _worker(folder: Path) -> int | None:
    """The number of another process on this machine that works in the folder of a job."""
    if os.name != "posix":  # elsewhere a signal that asks for nothing ends the other process
        return None
    try:
        number, node = (folder / RUNNING).read_text().split(maxsplit=1)
        if node != platform.node() or int(number) == os.getpid():
            return None
        os.kill(int(number), 0)
    except PermissionError:  # it is there, and somebody else's
        return int(number)
    except (OSError, ValueError):
        return None
    return int(number)


def check_unfinished(output: Path, resume: bool, overwrite: bool) -> Path:
    """The work folder of an output; `InputError` if another run works there, or one broke off that is neither to be
    resumed nor overwritten."""
    output = real(output)
    folder = output.parent / f"{output.name}.unfinished"  # the root has no name
    worker = _worker(folder)
    if worker is not None:
        raise InputError(f"another run, process {worker}, is writing {output}; wait for its end or choose another name")
    if folder.exists() and not (folder / FACTS).exists() and any(not p.name.startswith(".") for p in folder.iterdir()):
        raise InputError(f"{folder} is no folder of an unfinished run; move it away")
    if folder.exists() and not resume and not overwrite:
        raise InputError(f"{folder} holds an unfinished run; go on with --resume, or begin anew with --overwrite")
    return folder


def open_job(output: Path, asked: Mapping[str, Any], resume: bool, overwrite: bool) -> Job:
    """The job of an output: a new one, or with `resume` the one that broke off.

    Raises `InputError` as `check_unfinished` does, or if something else was asked before.
    """
    job = Job(check_unfinished(output, resume, overwrite), json.loads(json.dumps(asked)))
    if not resume or not job.facts.exists():
        job.clear()
        return job
    before = json.loads(job.facts.read_text())["asked"]
    for name in before | job.asked:
        if before.get(name) != job.asked.get(name):
            raise InputError(
                f"{output} was begun with {name} {before.get(name)}, now it is {job.asked.get(name)}; "
                "give the same input and options, or --overwrite in the place of --resume to begin anew"
            )
    return job


def write_whole(path: Path, text: str) -> None:
    """Write a file that is there whole or not at all, even if the power fails."""
    with replacing(path) as temporary, temporary.open("w", encoding="utf-8", errors="backslashreplace") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
