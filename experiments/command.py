"""An experiment as a command."""

import sys
from collections.abc import Callable

import tyro

import gvd_jax as gvd


def run(main: Callable[..., None]) -> None:
    """Call `main` with the options of the command line; what cannot be worked with is one line, and exit status 2."""
    gvd.use_cache()
    try:
        tyro.cli(main)
    except (gvd.InputError, OSError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
