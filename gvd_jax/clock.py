"""Time spent, and how much of it on compiling: programs are compiled once, which says nothing of the work to do."""

import time

import jax

# Their durations do not overlap, as those of tracing do.
COMPILING = ("/jax/core/compile/jaxpr_to_mlir_module_duration", "/jax/core/compile/backend_compile_duration")

_compiling = 0.0  # seconds since the import, on all threads


def _listen(event: str, duration_secs: float, **kwargs: str | int) -> None:
    global _compiling
    if event in COMPILING:
        _compiling += duration_secs


jax.monitoring.register_event_duration_secs_listener(_listen)


class Clock:
    """Runs from when it is made; programs are compiled on so many threads."""

    def __init__(self, threads: int = 1):
        self.threads, self.begin, self.before = threads, time.monotonic(), _compiling

    def read(self) -> tuple[float, float]:
        """Seconds, and the share of them that went into compiling."""
        seconds = time.monotonic() - self.begin
        return seconds, min((_compiling - self.before) / (self.threads * max(seconds, 1e-9)), 1.0)
