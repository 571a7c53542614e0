"""Figures 3 and 4: the streak of a light in focus and out of focus, and the model that takes defocus, then motion.

    python -m experiments.paper.figure_3

Two lights are seen by a camera that moves on a curve. The page shows them, both exposures, and what the model makes of
the lights, each stretched to its brightest pixel; the table says how far each model is from the exposure out of focus.
"""

from pathlib import Path

import jax.numpy as jnp
import numpy as np

import gvd_jax as gvd
from experiments.command import run
from experiments.paper.pages import enlarged, page
from experiments.results import Results
from gvd_jax import metrics
from gvd_jax.shapes import HostArray
from gvd_jax.video.layers import Layer, ellipse, random_path
from gvd_jax.video.synthesize import RenderedClip, render
from gvd_jax.view.figures import save

HEIGHT, WIDTH = 96, 128
SIGMA = 2.5  # pixels
DUTY_CYCLE = 0.45
SPEED = 18.0  # pixels per frame interval
SAMPLES = 32  # per side of the exposure
WHOLE = (slice(None), slice(None))


def lights(sigma: float) -> RenderedClip:
    """Two lights before a camera that moves on a curve."""
    scale = 4
    shape = (HEIGHT * scale, WIDTH * scale)
    discs = ellipse(shape, 170 + 180j, 6 + 6j) + 0.7 * ellipse(shape, 350 + 220j, 8 + 8j)
    texture = np.broadcast_to(discs[..., None], (*shape, 3)).astype(np.float32)
    path = random_path(np.random.default_rng(5), 3, SPEED)
    return render([Layer(texture, scale, path)], 3, HEIGHT, WIDTH, DUTY_CYCLE, (sigma,))


def modelled(clip: RenderedClip, blur: gvd.Blur, duty_cycle: float) -> HostArray:
    """The middle frame as `blur` has it, with the true flow and defocus."""
    latent, flow, defocus = (jnp.asarray(x[1:2]) for x in (clip.sharp, clip.flow, clip.defocus))
    return np.asarray(blur(latent, gvd.Unknowns(flow=flow, defocus=defocus), gvd.observe(latent, duty_cycle))[0])


def main(results: Path = Path("experiments/results/figure_3.json")) -> None:
    """Draw the page and print the table."""
    focused, defocused = lights(0.0), lights(SIGMA)
    both = gvd.Blur().with_samples(SAMPLES)
    models = {
        "defocus alone": (both, 0.0),
        "motion alone": (gvd.Blur((both.motion,)), DUTY_CYCLE),
        "both, the kernel of Eq. (3)": (gvd.Config.paper().blur.with_samples(SAMPLES), DUTY_CYCLE),
        "both, the quadratic path": (both, DUTY_CYCLE),
    }
    frames = {name: modelled(defocused, *model) for name, model in models.items()}
    kept = Results(results)
    for name, frame in {"the lights themselves": defocused.sharp[1], **frames}.items():
        error = float(metrics.psnr(frame[None], defocused.blurry[1:2])[0])
        kept.add(name, {"PSNR of the exposure dB": round(error, 2)})
    first = {
        "(a) two lights": focused.sharp[1],
        "(b) in focus": focused.blurry[1],
        "(c) out of focus": defocused.blurry[1],
    }
    second = {name: frame for name, frame in frames.items() if name != "motion alone"}
    rows = [{name: enlarged(p / p.max(), WHOLE, 3) for name, p in row.items()} for row in (first, second)]
    save(page(rows), results.with_suffix(".png"))
    print(kept.table())


if __name__ == "__main__":
    run(main)
