"""All unknowns at once by a general optimiser, against the alternation over blocks: energy and PSNR against seconds.

    python -m experiments.joint [--rows Adam ...]

Every row minimises Eq. (8) over latent frames in [0, 1], flow, and defocus in [0, 3] px of one rendered clip, gray and
on one level, from one start: blurry frames, their start flow, and 0.5 px of defocus, where there is none. The
visibility is that of the start flow to the end: a line search, and a memory of gradients, need one function, and so
does a comparison. All are judged by Eq. (8) as it stands, apart from the clock, and compiled before it runs.

"Primal-dual" alternates over the blocks of Eqs. (9)-(17). "Reweighted" does with every norm what the default does with
those of the flow: conjugate gradients alone solve a block. Adam and L-BFGS descend on `smoothed` energy in coordinates
without a box. Their smoothing, units and steps, and the iterations of the blocks, were chosen on another photograph in
another motion.

Joint steps are the better beginning: both lower the energy faster than either alternation and restore more in the first
seconds, for flow and defocus move along with the frames. Reweighted blocks are the better end: at the energy at which
Adam halts their frames are nearer to the truth. So the best is one after the other. Primal-dual blocks are the slowest.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import optax

import gvd_jax as gvd
from experiments.clips import rendered_clip
from experiments.command import run
from experiments.convergence import draw
from experiments.results import Results, Row
from experiments.subproblems import printed_energy, start_flow
from gvd_jax import metrics
from gvd_jax.ops.transfer import luma
from gvd_jax.shapes import Array, Frames, Scalar

FRAMES, HEIGHT, WIDTH = 5, 96, 128
TAU = 0.5
MOTION = 4.0  # px per frame interval on average
SAMPLES = 4  # reads per side of the exposure
START_DEFOCUS = 0.5  # px
EARLY = 10.0  # s: the curves are read off here too
CHUNK = 10  # joint steps between two points of a curve
COMPILING = 3  # points of a curve by which its programs are compiled

EPSILON = 0.5
LINE_SEARCH = 5  # steps at most
# What a step of one in a free coordinate changes at most: Adam's first one, and the scale of L-BFGS.
LATENT_UNIT = 0.02  # display values
FLOW_UNIT = 0.1  # px
DEFOCUS_UNIT = 0.2  # px
MARGIN = 0.01  # of the box: at its ends a free coordinate has no slope

BRIGHTEST, WIDEST = 1.0, float(gvd.DEFOCUS.upper)


@gvd.pytree
class Softened:
    """sqrt(n^2 + epsilon^2) - epsilon of every cost n that `norm` gives of a residual."""

    epsilon: Any
    residual: Callable[..., Any] = gvd.static()
    norm: gvd.Norm = gvd.static()

    def __call__(self, unknowns: gvd.Unknowns, observation: gvd.Observation) -> Any:
        def soften(n):
            return n * n / (jnp.sqrt(n * n + self.epsilon**2) + self.epsilon)  # the difference without its rounding

        return jax.tree.map(soften, self.norm.cost(self.residual(unknowns, observation)))


def smoothed(energy: gvd.Energy, epsilon: Any) -> gvd.Energy:
    """The energy with a derivative everywhere: norms are round below `epsilon` times the floor of their reweighting."""

    def smooth(term: gvd.Term) -> gvd.Term:
        if not isinstance(term.norm, gvd.L1 | gvd.GroupL2):
            return term
        return gvd.Term(term.weight, Softened(epsilon * term.norm.floor, term.residual, term.norm), gvd.L1())

    return {name: smooth(term) for name, term in energy.items()}


def _to_angle(x: Array, upper: float) -> Array:
    return upper * jnp.arcsin(jnp.sqrt(jnp.clip(x / upper, MARGIN, 1 - MARGIN)))


def _from_angle(angle: Array, upper: float) -> Array:
    return upper * jnp.square(jnp.sin(angle / upper))


def to_free(unknowns: gvd.Unknowns) -> gvd.Unknowns:
    """Coordinates without a box: x = b sin^2(y / b) is in [0, b] whatever y; and all in their units."""
    return gvd.Unknowns(
        latent=_to_angle(unknowns.latent, BRIGHTEST) / LATENT_UNIT,
        flow=unknowns.flow / FLOW_UNIT,
        defocus=_to_angle(unknowns.defocus, WIDEST) / DEFOCUS_UNIT,
    )


def from_free(free: gvd.Unknowns) -> gvd.Unknowns:
    """The inverse of `to_free`."""
    return gvd.Unknowns(
        latent=_from_angle(LATENT_UNIT * free.latent, BRIGHTEST),
        flow=FLOW_UNIT * free.flow,
        defocus=_from_angle(DEFOCUS_UNIT * free.defocus, WIDEST),
    )


Cost = Callable[[gvd.Unknowns], Scalar]


@dataclass(frozen=True)
class Adam:
    """Adam, whose rate falls from one to none in `steps` along a cosine."""

    steps: int

    @property
    def optimiser(self) -> Any:
        return optax.adam(optax.cosine_decay_schedule(1.0, self.steps))

    def change(self, cost: Cost, free: gvd.Unknowns, state: Any) -> tuple[Any, Any]:
        return self.optimiser.update(jax.grad(cost)(free), state)


@dataclass(frozen=True)
class LBFGS:
    """L-BFGS with the zoom line search, whose last value and gradient are those of the next step."""

    steps: int

    @property
    def optimiser(self) -> Any:
        return optax.lbfgs(linesearch=optax.scale_by_zoom_linesearch(LINE_SEARCH, initial_guess_strategy="one"))

    def change(self, cost: Cost, free: gvd.Unknowns, state: Any) -> tuple[Any, Any]:
        value, slope = optax.value_and_grad_from_state(cost)(free, state=state)
        return self.optimiser.update(slope, state, free, value=value, grad=slope, value_fn=cost)


@partial(jax.jit, static_argnames=("descent", "steps"))
def descend(
    descent: Adam | LBFGS, steps: int, energy: gvd.Energy, seen: gvd.Observation, free: gvd.Unknowns, state: Any
) -> tuple[gvd.Unknowns, Any]:
    """So many steps on the energy per pixel."""

    def cost(free):
        return gvd.evaluate(energy, from_free(free), seen)[0] / free.latent.size

    def step(carry, _):
        free, state = carry
        change, state = descent.change(cost, free, state)
        return (jax.tree.map(jnp.add, free, change), state), None

    return jax.lax.scan(step, (free, state), None, length=steps)[0]


@gvd.pytree
class Problem:
    """What all minimise, and from where."""

    energy: gvd.Energy
    observation: gvd.Observation
    start: gvd.Unknowns


Solver = Callable[[Problem], Iterator[gvd.Unknowns]]
Round = tuple[tuple[gvd.Block, gvd.BlockOptions], ...]


def joint(descent: Adam | LBFGS, problem: Problem) -> Iterator[gvd.Unknowns]:
    """The unknowns after every chunk of steps."""
    energy, free = smoothed(problem.energy, EPSILON), to_free(problem.start)
    state = descent.optimiser.init(free)
    for _ in range(descent.steps // CHUNK):
        free, state = descend(descent, CHUNK, energy, problem.observation, free, state)
        yield from_free(free)


@jax.jit
def _solve(block: gvd.Block, problem: Problem, options: gvd.BlockOptions) -> gvd.Unknowns:
    return gvd.solve_subproblem(block, problem.energy, problem.start, problem.observation, options)[0]


def alternate(blocks: Round, rounds: int, problem: Problem) -> Iterator[gvd.Unknowns]:
    """The unknowns after every block."""
    for block, options in blocks * rounds:
        problem = gvd.replace(problem, start=_solve(block, problem, options))
        yield problem.start


def one_after_other(first: Solver, points: int, second: Solver, problem: Problem) -> Iterator[gvd.Unknowns]:
    """The first solver to one of its points, then the second from there."""
    for unknowns in islice(first(problem), points):
        problem = gvd.replace(problem, start=unknowns)
        yield unknowns
    yield from second(problem)


def _round(blocks: tuple[gvd.Block, ...], latent: gvd.Steps, motion: gvd.Steps) -> Round:
    """Latent frames in [0, `BRIGHTEST`], flow and defocus; `motion` are the steps of the latter two."""
    first, *others = blocks
    boxed = gvd.replace(first, unknown=gvd.replace(first.unknown, upper=BRIGHTEST))
    return (boxed, gvd.BlockOptions(latent, jnp.inf)), *((block, gvd.BlockOptions(motion, 1.0)) for block in others)


def _linearised(block: gvd.Block) -> gvd.Block:
    return gvd.replace(block, roles=dict.fromkeys(block.roles, gvd.Linearised()))


STEP = gvd.Dual(3.0)
FLOW, DEFOCUS = gvd.FLOW_BLOCK.with_term("flow_tv", STEP), gvd.DEFOCUS_BLOCK.with_term("defocus_tv", STEP)
BLOCKS = (gvd.LATENT_BLOCK, FLOW, DEFOCUS)
PRIMAL_DUAL = _round(BLOCKS, gvd.Steps(iterations=8), gvd.Steps(cg_iterations=5))
LONG = gvd.Steps(cg_iterations=40)
REWEIGHTED = _round(tuple(map(_linearised, BLOCKS)), LONG, LONG)
ADAM = partial(joint, Adam(250))
SOLVERS: dict[str, Solver] = {
    "alternating, primal-dual": partial(alternate, PRIMAL_DUAL, 8),
    "alternating, reweighted": partial(alternate, REWEIGHTED, 12),
    "Adam": ADAM,
    "L-BFGS": partial(joint, LBFGS(140)),
    "Adam, then reweighted": partial(one_after_other, ADAM, 6, partial(alternate, REWEIGHTED, 9)),
}


def problem_of(gray: Array) -> Problem:
    """Eq. (8) of blurry frames [T, H, W, 1] with the default's kernel and weights, and the start that all share."""
    config = gvd.Config.default()
    defocus = jnp.full(gray.shape[:3], START_DEFOCUS, gray.dtype)
    start = gvd.Unknowns(latent=gray, flow=start_flow(gray, config), defocus=defocus)
    observation = gvd.observe(gray, TAU, config.blur.with_samples(SAMPLES))
    return Problem(printed_energy(), gvd.Confirmed().see(start, observation), start)


@jax.jit
def _energy_per_pixel(problem: Problem, unknowns: gvd.Unknowns) -> Scalar:
    return gvd.evaluate(problem.energy, unknowns, problem.observation)[0] / unknowns.latent.size


def clocked(solvers: dict[str, Solver], problem: Problem) -> dict[str, list[tuple[float, gvd.Unknowns]]]:
    """Seconds and unknowns at every point of every solver.

    The one whose clock is behind goes on, so that whatever else the machine does meets all alike.
    """
    for solver in SOLVERS.values():  # all, for one may go on with the programs of another
        jax.block_until_ready(list(islice(solver(problem), COMPILING)))
    running = {name: solver(problem) for name, solver in solvers.items()}
    seconds, points = dict.fromkeys(running, 0.0), {name: [] for name in running}
    while running:
        name = min(running, key=lambda name: seconds[name])
        begin = time.monotonic()
        unknowns = jax.block_until_ready(next(running[name], None))
        seconds[name] += time.monotonic() - begin
        if unknowns is None:
            del running[name]
        else:
            points[name].append((seconds[name], unknowns))
    return points


def judge(points: list[tuple[float, gvd.Unknowns]], problem: Problem, sharp: Frames) -> Row:
    """Energy, PSNR and what defocus is left, early and at the end, and the curve."""

    def judged(seconds: float, unknowns: gvd.Unknowns) -> list[float]:
        energy, psnr = _energy_per_pixel(problem, unknowns), metrics.psnr(unknowns.latent, sharp).mean()
        return [round(float(x), 4) for x in (seconds, energy, psnr, unknowns.defocus.mean())]

    curve = [judged(*point) for point in points]
    early = [point for point in curve if point[0] <= EARLY]
    return {
        f"energy per pixel at {EARLY:g} s": early[-1][1] if early else None,
        f"PSNR at {EARLY:g} s, dB": early[-1][2] if early else None,
        **dict(zip(("seconds", "energy per pixel", "PSNR of the luma dB", "mean defocus px"), curve[-1], strict=True)),
        "curve": curve,
    }


def main(rows: tuple[str, ...] = (), results: Path = Path("experiments/results/joint.json")) -> None:
    """Measure the named rows, or those that are missing, print the table and draw the curves."""
    kept = Results(results)
    wanted = {name: solver for name, solver in SOLVERS.items() if kept.wants(name, rows)}
    clip = rendered_clip(FRAMES, HEIGHT, WIDTH, TAU, MOTION)
    gray, sharp = (luma(jnp.asarray(frames)) for frames in (clip.blurry, clip.sharp))
    problem = problem_of(gray)
    for name, points in clocked(wanted, problem).items():
        kept.add(name, judge(points, problem, sharp))
    draw(kept.rows, results.with_suffix(".png"))
    print(kept.table())


if __name__ == "__main__":
    run(main)
