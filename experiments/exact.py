"""Latent frames for a flow and a defocus that are given: the latent solve alone.

With the true ones that is no bound. No flow of one path per pixel explains the points that a neighbouring frame hides,
where layers mix in the exposure, and the solve is regularised. On the clip d1 the default is 0.4 dB ahead of it: nine
tenths of that lie within 3 px of such points, 4 % of the pixels. With the flow found there, and the true one elsewhere,
the solve is ahead again.
"""

import jax
import jax.numpy as jnp
import numpy as np

import gvd_jax as gvd
from experiments.clips import TrueClip
from gvd_jax.shapes import HostArray


@gvd.pytree
class GivenDefocus:
    """The stage that gives a defocus [T, H, W], pixels at full size."""

    defocus: jax.Array = gvd.held("T H W", to_level=gvd.DEFOCUS.to_level)
    name: str = gvd.static(default="given defocus")
    cost: float = gvd.static(default=0.0)

    def run(self, state: gvd.State, problem: gvd.Problem) -> tuple[gvd.State, gvd.Info]:
        """The state with that defocus."""
        return gvd.replace(state, unknowns=gvd.replace(state.unknowns, defocus=self.defocus)), gvd.Info({})


def restore_exactly(clip: TrueClip, config: gvd.Config) -> gvd.Result:
    """With the true flow and defocus."""
    return restore_with(clip.blurry, np.nan_to_num(clip.flow), clip.defocus, clip.duty_cycle, config)


def restore_with(
    frames: HostArray, flow: HostArray, defocus: HostArray, duty_cycle: float, config: gvd.Config
) -> gvd.Result:
    """Latent frames of `frames` [T, H, W, C], gray and in colour, by the first and the last solver of `config`.

    `flow` [T, 2, H, W, 2], pixels per frame interval, but the motion beyond the ends is extrapolated; `defocus`
    [T, H, W], pixels: the gray frames are restored without it, as they are where it is read off their edges.
    """
    stages = config.stages
    latent = next(s for s in stages if isinstance(s, gvd.Solve) and s.block.unknown.name == "latent")
    last = stages[[stage.name for stage in stages].index("colour") :]
    motion, sigma = (jnp.asarray(x, jnp.float32) for x in (flow, defocus))
    given = (GivenDefocus(sigma),) if defocus.any() else ()  # in focus the programs without it do
    schedule = (gvd.GivenFlow(motion), latent, *given, *last)
    camera = gvd.replace(config.camera, exposure_change=jnp.inf)
    return gvd.deblur(frames, duty_cycle, gvd.replace(config, schedule=schedule, camera=camera))
