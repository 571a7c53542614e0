"""Compiled programs outlive the process, so that the second run starts sooner."""

import os
from pathlib import Path

import jax


def use_cache(folder: str | Path | None = None) -> None:
    """Keep compiled programs in a folder for later processes: by default in the user's cache folder.

    A folder that JAX was told already is kept.
    """
    if jax.config.jax_compilation_cache_dir is None:  # pyright: ignore[reportAttributeAccessIssue]
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        jax.config.update("jax_compilation_cache_dir", str(folder or base / "gvd_jax" / "xla"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)  # dozens of small ones take a second


def cache_folder() -> Path | None:
    """Where compiled programs are kept; None if they are not."""
    folder = jax.config.jax_compilation_cache_dir  # pyright: ignore[reportAttributeAccessIssue]
    return Path(folder) if folder else None


def cached_programs() -> list[Path]:
    """The files of `cache_folder` that hold them, or tell when one was used: JAX's own, and `stored_programs`."""
    folder = cache_folder()
    kinds = ("*-cache", "*-atime", "programs/*")
    return [] if folder is None else [file for kind in kinds for file in folder.glob(kind) if file.is_file()]


def clear_cache() -> None:
    """Remove the compiled programs that are kept for later processes, and nothing else."""
    for file in cached_programs():
        file.unlink(missing_ok=True)
