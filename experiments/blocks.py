"""Each subproblem alone, the other two unknowns exact: what a perfect rest of the method allows, and what it costs.

    python -m experiments.blocks DATA

Rows go to experiments/results/blocks.json. Seconds are those of the first call less those of the second (compiling) and
those of the second (running).
"""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import tyro

import gvd_jax as gvd
from experiments.clips import TrueClip, read_clip, textured
from experiments.results import Results, Row
from experiments.subproblems import (
    REWEIGHTED_DEFOCUS,
    latent_stage,
    printed_energy,
    problem_of,
    run_stage,
    stage_of,
    start_flow,
)
from gvd_jax import metrics
from gvd_jax.ops.transfer import luma

INTERIOR = slice(1, -1)
SAMPLES = 12


def truth(clip: TrueClip) -> gvd.Unknowns:
    """The exact unknowns in gray; the ends' unknown motion keeps the acceleration of their neighbours."""
    known = gvd.Unknowns(latent=luma(jnp.asarray(clip.sharp)), defocus=jnp.asarray(clip.defocus))
    flow = gvd.GivenFlow(jnp.asarray(np.nan_to_num(clip.flow)))
    return run_stage(flow, known, problem(clip, gvd.Config.default()))


def problem(clip: TrueClip, config: gvd.Config) -> gvd.Problem:
    """The blurry clip under settings, with `SAMPLES` reads per side of the exposure."""
    config = gvd.replace(config, blur=config.blur.with_samples(SAMPLES))
    return problem_of(jnp.asarray(clip.blurry), clip.duty_cycle, config)


def timed(function: Callable[[], Any]) -> tuple[Any, Row]:
    """The result of a second call, and the seconds of both."""
    seconds = []
    for _ in range(2):
        start = time.monotonic()
        result = jax.block_until_ready(function())
        seconds.append(time.monotonic() - start)
    return result, {"compile s": round(seconds[0] - seconds[1], 1), "run s": round(seconds[1], 1)}


def latent_from_exact_flow(clip: TrueClip) -> Row:
    """Latent frames in colour, started from the blurry ones."""
    config = gvd.Config.default()
    blurry = problem(clip, config)
    start = gvd.replace(truth(clip), latent=blurry.frames)
    result, seconds = timed(lambda: run_stage(latent_stage(config), start, blurry))
    gain = metrics.psnr(result.latent, clip.sharp) - metrics.psnr(clip.blurry, clip.sharp)
    return {"gain dB": round(gain.mean(), 3), "interior gain dB": round(gain[INTERIOR].mean(), 3)} | seconds


def flow_from_exact_latent(clip: TrueClip) -> Row:
    """Flow of the sharp frames, searched from zero, then refined with the data term."""
    config = gvd.Config.default()
    exact, blurry = truth(clip), problem(clip, config)

    def solve():
        start = gvd.replace(exact, flow=start_flow(exact.latent, config))
        return run_stage(stage_of(config, "flow"), start, blurry)

    result, seconds = timed(solve)
    error = metrics.end_point_error(result.flow, np.nan_to_num(clip.flow), clip.known)
    return {"EPE px": round(error, 4)} | seconds


def defocus_from_exact_rest(clip: TrueClip) -> Row:
    """The defocus map from latent frames and flow, started at half a pixel everywhere."""
    exact, blurry = truth(clip), problem(clip, gvd.replace(gvd.Config.default(), energy=printed_energy()))
    start = gvd.replace(exact, defocus=jnp.full_like(exact.defocus, 0.5))
    result, seconds = timed(lambda: run_stage(REWEIGHTED_DEFOCUS, start, blurry))
    inner = np.zeros(clip.defocus.shape, bool)
    inner[INTERIOR] = textured(clip.sharp)[INTERIOR]
    error = metrics.defocus_error(result.defocus, clip.defocus, inner)
    return {"sigma RMSE px": round(error, 4), "share with texture": round(float(inner[INTERIOR].mean()), 3)} | seconds


def duty_cycle_of_blurry(clip: TrueClip) -> Row:
    """The duty cycle that `deblur` finds: from the blurry frames and their start flow."""
    config = gvd.Config.default().with_transfer(clip.transfer)
    transfer = config.camera.transfer
    assert transfer is not None
    gray = transfer.gray(jnp.asarray(clip.blurry))
    found, seconds = timed(lambda: gvd.find_duty_cycle(gray, start_flow(gray, config)))
    return {"tau": round(found.duty_cycle, 3), "true tau": clip.duty_cycle} | seconds


def main(
    data: tyro.conf.Positional[Path], results: Path = Path("experiments/results/blocks.json"), again: bool = False
) -> None:
    """Measure the rows that are missing, or all `again`, and print the table."""
    kept = Results(results)
    trials = {
        "latent, d1_motion": (latent_from_exact_flow, "d1_motion"),
        "flow, d1_motion": (flow_from_exact_latent, "d1_motion"),
        "defocus, d3_both": (defocus_from_exact_rest, "d3_both"),
        "duty cycle, d1_motion": (duty_cycle_of_blurry, "d1_motion"),
        "duty cycle, d2_motion_linear": (duty_cycle_of_blurry, "d2_motion_linear"),
        "duty cycle, d3_both": (duty_cycle_of_blurry, "d3_both"),
    }
    for name, (trial, clip) in trials.items():
        if again or name not in kept.rows:
            kept.add(name, trial(read_clip(data / clip)))
    print(kept.table())


if __name__ == "__main__":
    tyro.cli(main)
