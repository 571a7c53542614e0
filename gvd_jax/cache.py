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
