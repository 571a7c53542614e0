"""Compiled programs are kept where they can be."""

import sys

from gvd_jax.errors import InputError


def keep_programs() -> None:
    """Keep them for later runs; where that fails say so, and compile."""
    from gvd_jax.cache import use_cache

    try:
        use_cache()
    except InputError as error:
        print(f"gvd-jax: {error}; every run compiles them anew", file=sys.stderr)
