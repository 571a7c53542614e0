"""Compiled programs are kept where they can be."""

import sys

from gvd_jax.errors import InputError


def keep_programs() -> None:
    """Keep them for later runs; where they cannot be written say so, and compile."""
    import jax

    from gvd_jax.cache import cache_folder, use_cache
    from gvd_jax.video.places import check_free

    use_cache()
    folder = cache_folder()
    assert folder is not None
    try:
        check_free(folder, overwrite=True)
    except InputError as error:
        jax.config.update("jax_compilation_cache_dir", None)
        print(f"gvd-jax: {error}; until then every run compiles its programs anew", file=sys.stderr)
