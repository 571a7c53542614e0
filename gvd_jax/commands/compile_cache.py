"""Compiled programs outlive the process, so that the second run starts at once."""

import os
from pathlib import Path


def use_compile_cache() -> None:
    """Switch on JAX's persistent compilation cache in the user's cache folder, unless JAX was told another one."""
    import jax

    if jax.config.jax_compilation_cache_dir is None:  # pyright: ignore[reportAttributeAccessIssue]
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        jax.config.update("jax_compilation_cache_dir", str(base / "gvd_jax" / "xla"))
        jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)  # dozens of small ones take a second
