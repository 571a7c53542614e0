"""Ways to find the defocus of a moving clip, on rendered clips with known truth.

    python -m experiments.defocus [--rows two_layers/edges ...]

All start from the same flow and the same latent frames without defocus, and end in the same solve in colour. Rows that
experiments/results/defocus.json has are measured again only if named.
"""

from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

import gvd_jax as gvd
from experiments.clips import defocused_clip, textured
from experiments.command import run
from experiments.results import Results, Row
from experiments.subproblems import REWEIGHTED_DEFOCUS, latent_stage, printed_energy, problem_of, run_stage, stage_of
from gvd_jax import metrics
from gvd_jax.ops.filters import correlate_both
from gvd_jax.ops.transfer import luma
from gvd_jax.shapes import DefocusMap, Frames
from gvd_jax.video.synthesize import RenderedClip

CANDIDATES = (0.0, 0.5, 1.0, 1.5, 2.0, 2.5)  # pixels
WINDOW = np.full(41, 1 / 41)
RATIO = 2.0  # by which the residual may grow before a defocus is held too large
SAMPLES = 8  # reads per side of the exposure


def clips() -> dict[str, RenderedClip]:
    """Of photographs and seeds that nothing was tuned on."""
    return {
        "background": defocused_clip("motorcycle", "coffee", (1.3, 0.0), 31),
        "foreground": defocused_clip("coffee", "chelsea", (0.0, 1.8), 32),
        "both": defocused_clip("astronaut", "rocket", (2.0, 0.8), 33),
        "neither": defocused_clip("motorcycle", "rocket", (0.0, 0.0), 34),
    }


def before_the_edges(clip: RenderedClip, config: gvd.Config) -> gvd.Unknowns:
    """The flow, and latent frames without defocus."""
    states: list[gvd.Unknowns] = []

    def keep(step: gvd.Progress) -> None:
        if step.stage == "edges":
            states.append(step.unknowns)

    gvd.deblur(clip.blurry, clip.duty_cycle, config, hooks=[keep])
    return gvd.replace(states[0], defocus=jnp.zeros(states[0].latent.shape[:3]))


Way = Callable[[gvd.Unknowns, Frames, jax.Array, gvd.Config], DefocusMap]


def _with_each(
    unknowns: gvd.Unknowns, gray: Frames, tau: jax.Array, config: gvd.Config
) -> tuple[list[jax.Array], list[jax.Array]]:
    """Latent frames restored with each candidate everywhere, and the residual they leave, by window."""
    data = jax.jit(config.energy["data"].residual)
    observation = gvd.observe(gray, tau, config.blur)
    latents, residuals = [], []
    for sigma in CANDIDATES:
        start = gvd.replace(unknowns, latent=gray, defocus=jnp.full_like(unknowns.defocus, sigma))
        solved = run_stage(latent_stage(config), start, problem_of(gray, tau, config))
        square = jnp.stack([jnp.square(r) for r in jax.tree.leaves(data(solved, observation))]).sum(0)
        latents.append(solved.latent[..., 0])
        residuals.append(correlate_both(square, WINDOW))
    return latents, residuals


def discrepancy(unknowns: gvd.Unknowns, gray: Frames, tau: jax.Array, config: gvd.Config) -> DefocusMap:
    """The largest candidate up to which the residual stays below `RATIO` times that without defocus."""
    _, residuals = _with_each(unknowns, gray, tau, config)
    residual = jnp.stack(residuals)
    fits = jnp.cumprod(residual <= RATIO * residual[0], axis=0)
    return jnp.asarray(CANDIDATES)[fits.sum(0) - 1]


def sparsity(unknowns: gvd.Unknowns, gray: Frames, tau: jax.Array, config: gvd.Config) -> DefocusMap:
    """The candidate whose latent frames have the sparsest gradients, as l1 / l2 of a window (Krishnan et al. 2011)."""
    latents, _ = _with_each(unknowns, gray, tau, config)
    squares = [jnp.square(jnp.stack(jnp.gradient(latent, axis=(1, 2)))).sum(0) for latent in latents]
    density = [correlate_both(jnp.sqrt(s), WINDOW) / jnp.sqrt(correlate_both(s, WINDOW) + 1e-8) for s in squares]
    return jnp.asarray(CANDIDATES)[jnp.stack(density).argmin(0)]


def descent(unknowns: gvd.Unknowns, gray: Frames, tau: jax.Array, config: gvd.Config) -> DefocusMap:
    """Eq. (8) alone: latent frames and defocus in turn, from 1 px."""
    problem = problem_of(gray, tau, gvd.replace(config, energy=printed_energy()))
    unknowns = gvd.replace(unknowns, defocus=jnp.ones_like(unknowns.defocus))
    for _ in range(3):
        unknowns = run_stage(latent_stage(config), gvd.replace(unknowns, latent=gray), problem)
        unknowns = run_stage(REWEIGHTED_DEFOCUS, unknowns, problem)
    return unknowns.defocus


def edges(unknowns: gvd.Unknowns, gray: Frames, tau: jax.Array, config: gvd.Config) -> DefocusMap:
    """What the default does."""
    return run_stage(stage_of(config, "edges"), unknowns, problem_of(gray, tau, config)).defocus


def none(unknowns: gvd.Unknowns, gray: Frames, tau: jax.Array, config: gvd.Config) -> DefocusMap:
    """The whole clip in focus."""
    return jnp.zeros_like(unknowns.defocus)


WAYS: dict[str, Way] = {way.__name__: way for way in (none, descent, discrepancy, sparsity, edges)}


def _restored(
    clip: RenderedClip, unknowns: gvd.Unknowns, defocus: DefocusMap, tau: jax.Array, config: gvd.Config
) -> np.ndarray:
    problem = problem_of(jnp.asarray(clip.blurry, jnp.float32), tau, config)
    unknowns = gvd.replace(unknowns, defocus=jnp.asarray(defocus, jnp.float32))
    for stage in config.stages[[stage.name for stage in config.stages].index("edges") + 1 :]:
        unknowns = run_stage(stage, unknowns, problem)
    return np.clip(np.asarray(unknowns.latent), 0, 1)


def _row(clip: RenderedClip, latent: np.ndarray, defocus: np.ndarray) -> Row:
    textures = textured(clip.sharp)
    gain = metrics.psnr(latent, clip.sharp) - metrics.psnr(clip.blurry, clip.sharp)
    row = {"gain dB": gain.mean(), "sigma RMSE px": metrics.defocus_error(defocus, clip.defocus, textures)}
    in_focus = textures & (clip.defocus == 0)
    if in_focus.any():
        row["in focus px"] = metrics.defocus_error(defocus, clip.defocus, in_focus)
    return {key: round(float(value), 3) for key, value in row.items()}


def main(rows: tuple[str, ...] = (), results: Path = Path("experiments/results/defocus.json")) -> None:
    """Measure the named rows, or those that are missing, and print the table."""
    kept = Results(results)
    default = gvd.Config.default()
    config = gvd.replace(default, blur=default.blur.with_samples(SAMPLES))
    for name, clip in clips().items():
        names = {way: f"{name}/{way}" for way in (*WAYS, "truth")}
        wanted = [way for way, row in names.items() if kept.wants(row, rows)]
        if not wanted:
            continue
        state = before_the_edges(clip, config)
        gray = luma(jnp.asarray(clip.blurry, jnp.float32))
        tau = jnp.full(len(clip.blurry), clip.duty_cycle, jnp.float32)
        for way in wanted:
            defocus = jnp.asarray(clip.defocus) if way == "truth" else WAYS[way](state, gray, tau, config)
            latent = _restored(clip, state, defocus, tau, config)
            kept.add(names[way], _row(clip, latent, np.asarray(defocus)))
    print(kept.table())


if __name__ == "__main__":
    run(main)
