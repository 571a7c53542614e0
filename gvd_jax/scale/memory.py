"""How much memory there is, and what blocks take of it: measured by experiments/long_clips.py."""

import os
from pathlib import Path

import jax

from gvd_jax.ops.platform import on_cpu
from gvd_jax.scale.layout import Budget

SHARE = 0.7  # of what is free
BASE, DEVICE_BASE = 1.15e9, 0.1e9  # bytes: of the process on a CPU (libraries, compiling), of programs on a device
BLOCK, DEVICE_BLOCK = 570.0, 400.0  # bytes per pixel of a frame of a block


def budget(most: float | None, channels: int) -> Budget:
    """For clips of so many channels; `most` bytes, or a share of what is free now."""
    total = SHARE * free() if most is None else most
    frame = 4.0 * channels
    if on_cpu():
        return Budget(total, BASE, BLOCK, frame, frame + 4 * 6)
    return Budget(total, DEVICE_BASE, DEVICE_BLOCK, 0.0, 0.0)  # windows lie in the main memory


def free() -> float:
    """Bytes of the memory that blocks live in: that of the accelerator, or the main memory of the machine."""
    statistics = jax.local_devices()[0].memory_stats() or {}
    if not on_cpu() and "bytes_limit" in statistics:
        return statistics["bytes_limit"] - statistics.get("bytes_in_use", 0)
    return float(_available())


def _available() -> int:
    """Bytes that programs can have without others being pushed out."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("MemAvailable:"))) * 1024
    except (OSError, StopIteration):  # not Linux
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
