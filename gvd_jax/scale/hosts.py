"""Several machines that share a folder and a job: JAX brings them together, then each restores its own windows."""

import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import jax
from jax.experimental import multihost_utils

from gvd_jax.errors import InputError

POLL = 0.5  # seconds
LONG = 7 * 24 * 3600  # seconds that a host may be ready before the others


@dataclass(frozen=True)
class Hosts:
    """How many there are, and which one this is."""

    number: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        """Whether this one plans and joins."""
        return self.number == 0

    def meet(self, name: str) -> None:
        """Wait until all hosts are here."""
        if self.count > 1:
            with _stdout_to_stderr():
                multihost_utils.sync_global_devices(name)

    def wait_for(self, files: Sequence[Path]) -> None:
        """Wait until other hosts have made all files. If one of them dies, JAX ends the others."""
        while self.count > 1 and not all(file.exists() for file in files):
            time.sleep(POLL)


@contextmanager
def _stdout_to_stderr() -> Iterator[None]:
    """On CPUs Gloo, below Python, prints whom it has met."""
    sys.stdout.flush()
    kept = os.dup(1)
    os.dup2(2, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)


def join_hosts(text: str | None) -> Hosts:
    """ "auto" where a cluster says who is who, "address:port,count,number" where one has to; None: this host alone."""
    if text is None:
        return Hosts()
    if text != "auto" and text.count(",") != 2:
        raise InputError(f"--hosts {text} is neither auto nor ADDRESS:PORT,COUNT,NUMBER")
    try:
        if text == "auto":
            jax.distributed.initialize(shutdown_timeout_seconds=LONG)
        else:
            address, count, number = text.split(",")
            jax.distributed.initialize(address, int(count), int(number), shutdown_timeout_seconds=LONG)
    except (ValueError, RuntimeError) as error:
        what = str(error).splitlines()[0]
        raise InputError(f"--hosts {text} brings no hosts together: {what}; give ADDRESS:PORT,COUNT,NUMBER") from error
    return Hosts(jax.process_index(), jax.process_count())
