"""Learn weights, step sizes and a prior of latent frames from photographs in motion, through the unrolled solver.

    python -m experiments.learn_weights [--rows NAME ...]

Clips are rendered from photographs, with noise of 0 to 0.02, and cropped at random. First all weights and dual steps of
a round are learned, in gray: through latent frames, flow, and latent frames in that flow. Then those of the last solve,
which restores channels of colour, in the flow that whole runs find with the learned rounds; and from there with the
filters of a field of experts beside the total variation, of the channel and of how it differs from gray. Adam descends
on the decibels of the error of all frames but the first and the last. `Config.learned()` reads what is learned from
gvd_jax/method/learned.json.

At last every system restores clips of photographs that nothing was learned from, all by itself but for the duty cycle.
Training goes on where it was cut off, and rows that there are not measured again; what is between lies in
build/learning: remove it to begin anew.
"""

import pickle
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

import gvd_jax as gvd
from experiments.command import run
from experiments.results import Results, Row
from experiments.subproblems import latent_stage, problem_of, run_stage, stage_of, start_flow
from gvd_jax import metrics
from gvd_jax.method.learned import DUAL, FILE, WEIGHED, LearnedFinish, LearnedRounds, learned_json
from gvd_jax.ops.transfer import luma
from gvd_jax.shapes import Array, HostArray
from gvd_jax.video.layers import Layer, ellipse, middle, photograph, random_path
from gvd_jax.video.synthesize import RenderedClip, render

LEARN_FROM = ("astronaut", "brick", "camera", "coffee", "coins", "grass", "immunohistochemistry", "page", "retina")
UNSEEN = ("chelsea", "motorcycle", "rocket")
SEEDS, UNSEEN_SEEDS = range(1000, 1072), range(3000, 3016)
FRAMES, HEIGHT, WIDTH, UNSEEN_HEIGHT, UNSEEN_WIDTH = 5, 120, 160, 144, 192
CROP = (72, 96)
MOTION = (3, 9)  # pixels per frame interval
NOISE = (0.0, 0.005, 0.01, 0.02)
SAMPLES = 5  # reads per side of the exposure
STEPS = {"rounds": 128, "total variation": 128, "experts": 384}
RATE = 0.05  # of Adam, for logarithms
FILTER = 3  # pixels
FILTER_UNIT = 0.2  # a step in the filters is this part of one in a logarithm
START_FILTER = 0.15  # size of every filter at the start
REPORT = 32  # steps
FOLDER = Path("build/learning")

Learned = LearnedRounds | LearnedFinish
View = Callable[["Example", np.random.Generator], "Example"]  # what one step sees of an example
Restore = Callable[[gvd.Config, Any, Any], Array]  # latent frames under settings, by learned numbers, of an example


def noise_of(seed: int) -> float:
    """The noise of the clip of a seed: every one with a second photograph and without."""
    return NOISE[seed // 2 % len(NOISE)]


def make_clip(seed: int, names: tuple[str, ...], height: int, width: int) -> RenderedClip:
    """A shaken photograph; for an odd seed another one moves before it."""
    rng = np.random.default_rng(seed)
    behind, before = (photograph(name) for name in rng.choice(names, 2, replace=False))
    size = height / 96

    def path(offset: complex = 0.0) -> Any:
        return random_path(rng, FRAMES, rng.uniform(*MOTION), offset=size * offset)

    def scale(texture: HostArray) -> float:
        return min(texture.shape[0] / height, texture.shape[1] / width)

    layers = [Layer(behind, rng.uniform(0.35, 0.7) * scale(behind), path())]
    if seed % 2:
        rows, columns, _ = before.shape
        matte = ellipse(before.shape, middle(before.shape), 0.3 * columns + 0.3j * rows, rng.uniform(-0.5, 0.5))
        offset = rng.uniform(-15, 15) + 1j * rng.uniform(-10, 10)
        layers.append(Layer(before, 1.5 * scale(before), path(offset), matte))
    return render(layers, FRAMES, height, width, rng.uniform(0.3, 0.5), noise=noise_of(seed), seed=seed)


@gvd.pytree
class Example:
    """A clip [T, H, W, C], a flow to start from, [T, 2, H, W, 2], and with a channel of colour its blurry gray."""

    blurry: Array
    sharp: Array
    flow: Array
    duty_cycle: Array
    gray: Array | None = None


def example(seed: int, config: gvd.Config | None) -> Example:
    """The clip of a seed, under the flow that `config` finds; without one, that of the blurry frames."""
    clip = make_clip(seed, LEARN_FROM, HEIGHT, WIDTH)
    print(f"clip {seed}", flush=True)
    blurry, sharp = jnp.asarray(clip.blurry), jnp.asarray(clip.sharp)
    found = None if config is None else gvd.deblur(clip.blurry, clip.duty_cycle, config)
    flow = jax.jit(start_flow)(blurry, gvd.Config.default()) if found is None else found.flow
    return Example(blurry, sharp, flow, jnp.full(FRAMES, clip.duty_cycle))


def gray(example: Example, rng: np.random.Generator) -> Example:
    """A random window of it in gray, which rounds work on."""
    window = crop(example, rng)
    return gvd.replace(window, blurry=luma(window.blurry), sharp=luma(window.sharp))


def channel(example: Example, rng: np.random.Generator) -> Example:
    """A random window of one of its channels, which the last solve works on: the noise of one is more than of gray."""
    window, number = crop(example, rng), slice(int(rng.integers(example.blurry.shape[-1])), None)
    blurry, sharp = (x[..., number][..., :1] for x in (window.blurry, window.sharp))
    return gvd.replace(window, blurry=blurry, sharp=sharp, gray=luma(window.blurry))


def crop(example: Example, rng: np.random.Generator) -> Example:
    """A random window of it."""
    top, left = (int(rng.integers(whole - part + 1)) for whole, part in zip((HEIGHT, WIDTH), CROP, strict=True))
    window = (..., slice(top, top + CROP[0]), slice(left, left + CROP[1]), slice(None))
    blurry, sharp, flow = (x[window] for x in (example.blurry, example.sharp, example.flow))
    return Example(blurry, sharp, flow, example.duty_cycle)


def solve(stage: gvd.Stage, example: Example, config: gvd.Config, **unknowns: Array) -> gvd.Unknowns:
    """One subproblem from those values, in focus: by default from blurry frames, in the flow of the example."""
    start = gvd.Unknowns(**{"latent": example.blurry, "flow": example.flow} | unknowns)
    config = gvd.replace(config, blur=config.blur.with_samples(SAMPLES))
    return run_stage(stage, start, problem_of(example.blurry, example.duty_cycle, config))


def with_own_flow(config: gvd.Config, numbers: LearnedRounds, example: Example) -> Array:
    """Latent frames by the numbers of a round, in a flow found in such frames."""
    config = config.with_rounds(numbers)
    draft = solve(latent_stage(config), example, config).latent
    flow = solve(stage_of(config, "flow"), example, config, latent=draft).flow
    return solve(latent_stage(config), example, config, flow=flow).latent


def in_given_flow(config: gvd.Config, numbers: LearnedFinish, example: Example) -> Array:
    """The latent frames of a channel by the numbers of the last solve, in the flow of the example."""
    gray = gvd.replace(example, blurry=example.gray)
    draft = jax.lax.stop_gradient(solve(latent_stage(config), gray, config).latent)
    config = config.with_finish(numbers)
    return solve(latent_stage(config), example, config, gray=draft).latent


def cosines() -> Array:
    """The filters of a discrete cosine transform but the constant one, [FILTER^2 - 1, FILTER, FILTER], of norm 1."""
    place = np.arange(FILTER)
    wave = np.cos(np.pi * (place + 0.5) * place[:, None] / FILTER)
    wave /= np.linalg.norm(wave, axis=1, keepdims=True)
    return jnp.asarray(np.einsum("ai,bj->abij", wave, wave).reshape(-1, FILTER, FILTER)[1:], jnp.float32)


def to_free(numbers: Learned) -> Learned:
    """Coordinates for Adam: logarithms, and filters, which start as `cosines`, by their parts of these."""
    return _converted(numbers, jnp.log, lambda filters: jnp.einsum("khw,mhw->km", filters, cosines()) / FILTER_UNIT)


def from_free(free: Learned) -> Learned:
    """The inverse of `to_free`. Both terms of Eq. (5) have one weight."""
    numbers = _converted(free, jnp.exp, lambda parts: jnp.einsum("km,mhw->khw", FILTER_UNIT * parts, cosines()))
    same = {f"{name}_far": weight for name, weight in numbers.weights.items() if name.endswith("temporal")}
    return gvd.replace(numbers, weights=numbers.weights | same)


def _converted(numbers: Learned, positive: Callable[[Any], Any], filters: Callable[[Any], Any]) -> Learned:
    converted = jax.tree.map(lambda x: positive(jnp.asarray(x, jnp.float32)), numbers)
    if isinstance(numbers, LearnedRounds) or numbers.filters is None:
        return converted
    return gvd.replace(converted, filters=filters(numbers.filters), colour_filters=filters(numbers.colour_filters))


def kept(name: str, make: Callable[[], Any]) -> Any:
    """What `FOLDER` has under the name, or what is made and put there."""
    file = FOLDER / f"{name}.pickle"
    if not file.exists():
        keep(name, make())
    return pickle.loads(file.read_bytes())


def keep(name: str, tree: Any) -> None:
    """Put a pytree into `FOLDER`, whole or not at all."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    temporary = FOLDER / "unfinished"
    temporary.write_bytes(pickle.dumps(jax.device_get(tree)))
    temporary.replace(FOLDER / f"{name}.pickle")


def learn(name: str, view: View, restore: Restore, config: gvd.Config, start: Learned, examples: list[Example]) -> Any:
    """The numbers after all steps, one view of a clip a step, for settings that are otherwise `config`, in focus."""
    optimiser = optax.adam(optax.cosine_decay_schedule(RATE, STEPS[name]))

    def loss(free: Learned, example: Example) -> Array:
        latent = jnp.clip(restore(config, from_free(free), example), 0, 1)
        return 10 * jnp.log10(jnp.square(latent - example.sharp)[1:-1].mean())

    @jax.jit
    def step(free: Any, state: Any, example: Example) -> tuple[Any, Any, Array]:
        decibels, slope = jax.value_and_grad(loss)(free, example)
        update, state = optimiser.update(slope, state)
        return optax.apply_updates(free, update), state, decibels

    begun, errors, first = time.monotonic(), [], to_free(start)
    done, free, state = kept(name, lambda: (0, first, optimiser.init(first)))  # pyright: ignore[reportArgumentType]
    while done < STEPS[name]:
        turn, place = divmod(done, len(examples))
        chosen = examples[np.random.default_rng((0, turn)).permutation(len(examples))[place]]
        free, state, decibels = step(free, state, view(chosen, np.random.default_rng((1, done))))
        errors.append(float(decibels))
        done += 1
        if done % REPORT == 0:
            keep(name, (done, free, state))
            seconds, error = time.monotonic() - begun, np.mean(errors[-REPORT:])
            print(f"{name}: step {done} of {STEPS[name]}, error {error:.2f} dB, {seconds:.0f} s", flush=True)
    return from_free(free)


def rounds_of(config: gvd.Config) -> LearnedRounds:
    """The numbers of a preset."""
    last = stage_of(config, "colour")
    weights = {name: config.energy[name].weight for name in WEIGHED}
    return LearnedRounds(weights, {name: role.step for name, role in last.block.dual.items()}, last.believe.model_error)


def finish_of(rounds: LearnedRounds) -> LearnedFinish:
    """The last solve by the numbers of a round, without experts."""
    weights = {f"final_{name}": rounds.weights[name] for name in ("data", *DUAL)}
    dual = {f"final_{name}": step for name, step in rounds.dual.items()}
    return LearnedFinish(weights, dual, rounds.model_error, filters=None, colour_filters=None)


def learn_all() -> tuple[LearnedRounds, LearnedFinish, LearnedFinish]:
    """The numbers of a round, and of the last solve without experts and with them."""
    config = gvd.Config.default()
    clips = kept("clips", lambda: [example(seed, None) for seed in SEEDS])
    rounds = learn("rounds", gray, with_own_flow, config, rounds_of(config), clips)
    config = config.with_rounds(rounds)
    clips = kept("clips with flow", lambda: [example(seed, config) for seed in SEEDS])
    plain = learn("total variation", channel, in_given_flow, config, finish_of(rounds), clips)
    weights = plain.weights | {"final_latent_tv": plain.weights["final_latent_tv"] / 2}
    start = gvd.replace(
        plain, weights=weights, filters=START_FILTER * cosines(), colour_filters=START_FILTER * cosines()
    )
    return rounds, plain, learn("experts", channel, in_given_flow, config, start, clips)


def measure(config: gvd.Config) -> Row:
    """Means over the unseen clips, over all frames and without the first and last; by noise; seconds of one clip."""
    clips = [make_clip(seed, UNSEEN, UNSEEN_HEIGHT, UNSEEN_WIDTH) for seed in UNSEEN_SEEDS]
    psnr, ssim, seconds = [], [], 0.0
    for clip in [*clips, clips[-1]]:  # the last once more, compiled
        begun = time.monotonic()
        latent = np.asarray(gvd.deblur(clip.blurry, clip.duty_cycle, config).latent)
        seconds = time.monotonic() - begun
        psnr.append(np.asarray(metrics.psnr(latent, clip.sharp)))
        ssim.append(np.asarray(metrics.ssim(latent, clip.sharp)))
    every = np.array(psnr[:-1])
    row: Row = {"PSNR": every.mean(), "inner": every[:, 1:-1].mean(), "SSIM": np.mean(ssim[:-1])}
    for noise in NOISE:
        row[f"PSNR at noise {noise:g}"] = every[[noise_of(seed) == noise for seed in UNSEEN_SEEDS]].mean()
    return {name: round(float(value), 4) for name, value in row.items()} | {"s": round(seconds, 1)}


def main(rows: tuple[str, ...] = (), results: Path = Path("experiments/results/learning.json")) -> None:
    """Learn what is not learned yet, measure the named rows, or those that are missing, and print the table."""
    rounds, plain, experts = learn_all()
    Path(str(FILE)).write_text(learned_json(rounds, experts))
    default = gvd.Config.default()
    with_rounds = default.with_rounds(rounds)
    systems = {
        "default under the paper's constants": default.with_rounds(rounds_of(gvd.Config.paper())),
        "default": default,
        "learned rounds": with_rounds,
        "learned, without experts": with_rounds.with_finish(plain),
        "learned": gvd.Config.learned(),
    }
    table = Results(results)
    for name, config in systems.items():
        if table.wants(name, rows):
            table.add(name, measure(config))
    print(table.table())


if __name__ == "__main__":
    run(main)
