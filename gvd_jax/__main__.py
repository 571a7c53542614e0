"""python -m gvd_jax, and the command gvd-jax."""

import os
import signal
import sys
import threading
from typing import Any

from gvd_jax.errors import INTERRUPTED


def _interrupt_again(lost: Any) -> None:
    """An interruption within a callback, such as those of the garbage collector, ends nothing: it comes again."""
    if issubclass(lost.exc_type, KeyboardInterrupt):
        main_thread = threading.main_thread().ident
        threading.Timer(0.05, signal.pthread_kill, [main_thread, signal.SIGINT]).start()  # which wakes it as well
    else:
        sys.__unraisablehook__(lost)


def main() -> None:
    """Run one command and leave with its status. A signal to terminate ends it as Ctrl-C does."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    if os.name == "posix":
        sys.unraisablehook = _interrupt_again
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
