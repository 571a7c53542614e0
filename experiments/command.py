"""An experiment as a command."""

import sys
from collections.abc import Callable

import tyro

from gvd_jax.commands.compile_cache import use_compile_cache
from gvd_jax.errors import InputError


def run(main: Callable[..., None]) -> None:
    """Call `main` with the options of the command line; what cannot be worked with is one line, and exit status 2."""
    use_compile_cache()
    try:
        tyro.cli(main)
    except (InputError, OSError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
