"""python -m gvd_jax, and the command gvd-jax."""

import os
import signal
import sys

from gvd_jax.errors import INTERRUPTED


def main() -> None:
    """Run one command and leave with its status. A signal to terminate ends it as Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        from gvd_jax.cli import main as run

        status = run()
    except KeyboardInterrupt:
        print("gvd-jax: interrupted; nothing was begun", file=sys.stderr)
        status = INTERRUPTED
    if status == INTERRUPTED:  # other threads still compile, and crash an interpreter that is taken down in order
        sys.stdout.flush()
        os._exit(status)
    sys.exit(status)


if __name__ == "__main__":
    main()
