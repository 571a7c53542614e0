"""Derivatives through the latent subproblem: unrolled and implicit, in accuracy, memory and seconds.

    python -m experiments.gradients [--rows NAME ...]

The loss is the squared error of latent frames (Eqs. 9-10) on a rendered clip with its true flow; the derivative is that
in every weight, the duty cycle, the blurry frames and the flow. Memory is what XLA reserves for the program of the
derivative beside its arguments and results. The error is that of the derivative in the data weight against a central
difference of the same solver, in float64 on a smaller clip.
"""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp

import gvd_jax as gvd
from experiments.clips import rendered_clip
from experiments.command import run
from experiments.results import Results, Row
from gvd_jax.ops.transfer import luma

FRAMES, HEIGHT, WIDTH, TAU, MOTION = 5, 120, 160, 0.5, 4.0
SMALL = (12, 16)  # rows and columns of the clip for the check
BLUR = gvd.Blur((gvd.MotionBlur(samples=4),))
WEIGHTS = {"data": 250.0, "temporal": 2.0, "latent_tv": 1.0, "flow_tv": 20.0, "defocus_tv": 20.0}  # the paper's
# The solution is exact where no bound binds.
BLOCK = gvd.replace(gvd.LATENT_BLOCK, unknown=gvd.replace(gvd.LATENT, lower=-jnp.inf, upper=jnp.inf))
STEP = 1e-4  # share of the weight
Solver = Callable[..., Any]


def unrolled(*arguments: Any) -> gvd.Unknowns:
    """The solution, whose derivative is that of the iterations."""
    return gvd.solve_subproblem(*arguments)[0]


ROWS: dict[str, tuple[Solver, int]] = {
    f"{name}, {count} iterations": (solver, count)
    for name, solver in (("unrolled", unrolled), ("implicit", gvd.solve_implicit))
    for count in (8, 64, 256)
}


def problem(dtype: Any, rows: int, columns: int) -> tuple[Any, jax.Array]:
    """What the solution depends on, and the sharp frames, of the middle of the clip."""
    clip = rendered_clip(FRAMES, HEIGHT, WIDTH, TAU, MOTION)
    top, left = (HEIGHT - rows) // 2, (WIDTH - columns) // 2
    window = (..., slice(top, top + rows), slice(left, left + columns), slice(None))
    sharp, blurry = (luma(jnp.asarray(frames[window], dtype)) for frames in (clip.sharp, clip.blurry))
    weights = jax.tree.map(lambda w: jnp.asarray(w, dtype), WEIGHTS)
    return (weights, jnp.full(FRAMES, TAU, dtype), blurry, jnp.asarray(clip.flow[window], dtype)), sharp


def loss(solver: Solver, iterations: int, numbers: Any, sharp: jax.Array) -> jax.Array:
    """Mean squared error of the latent frames."""
    weights, tau, blurry, flow = numbers
    unknowns = gvd.Unknowns(latent=blurry, flow=flow)
    options = gvd.BlockOptions(gvd.Steps(iterations=iterations), jnp.inf)
    found = solver(BLOCK, gvd.gvd_energy(**weights), unknowns, gvd.observe(blurry, tau, BLUR), options)
    return jnp.square(found.latent - sharp).mean()


def relative_error(solver: Solver, iterations: int) -> float:
    """Of the derivative in the data weight, against the central difference of the solver."""
    with jax.enable_x64(True):
        numbers, sharp = problem(jnp.float64, *SMALL)
        value = jax.jit(partial(loss, solver, iterations))

        def at(share: float) -> float:
            return float(value((numbers[0] | {"data": share * numbers[0]["data"]}, *numbers[1:]), sharp))

        slope = jax.jit(jax.grad(partial(loss, solver, iterations)))(numbers, sharp)[0]["data"] * WEIGHTS["data"]
        expected = (at(1 + STEP) - at(1 - STEP)) / (2 * STEP)
        return abs(float(slope) / expected - 1)


def measure(solver: Solver, iterations: int) -> Row:
    """Accuracy on the small clip; memory, compile and run time on the large one."""
    numbers, sharp = problem(jnp.float32, HEIGHT, WIDTH)
    row: Row = {"relative error": float(f"{relative_error(solver, iterations):.1e}")}
    for name, function in (("value", loss), ("derivative", jax.grad(loss, argnums=2))):
        begin = time.monotonic()
        program = jax.jit(partial(function, solver, iterations)).lower(numbers, sharp).compile()
        compiled = time.monotonic()
        jax.block_until_ready(program(numbers, sharp))
        first = time.monotonic()
        jax.block_until_ready(program(numbers, sharp))
        memory = program.memory_analysis()
        assert memory is not None
        row |= {
            f"{name} MB": round(memory.temp_size_in_bytes / 1e6, 1),
            f"{name} compile s": round(compiled - begin, 1),
            f"{name} s": round(time.monotonic() - first, 2),
        }
    return row


def main(rows: tuple[str, ...] = (), results: Path = Path("experiments/results/gradients.json")) -> None:
    """Measure the named rows, or those that are missing, and print the table."""
    kept = Results(results)
    for name, (solver, iterations) in ROWS.items():
        if kept.wants(name, rows):
            kept.add(name, measure(solver, iterations))
    print(kept.table())


if __name__ == "__main__":
    run(main)
