"""A stage of one's own: an unsharp mask behind the last solve, for a lens that is a little soft."""

from typing import Any

import gvd_jax as gvd
from experiments.gallery.pictures import Pictures, Size, compare, draw, shaken


@gvd.pytree
class Sharpen:
    amount: Any = 0.5
    name: str = gvd.static(default="sharpen")
    cost: float = gvd.static(default=0.1)

    def run(self, state: gvd.State, problem: gvd.Problem) -> tuple[gvd.State, gvd.Info]:
        light = problem.transfer.to_linear(state.unknowns.latent)
        soft = gvd.smooth(light)
        latent = problem.transfer.to_display((light + self.amount * (light - soft)).clip(0, 1))
        return gvd.replace(state, unknowns=gvd.replace(state.unknowns, latent=latent)), gvd.Info({})


def pictures(size: Size) -> Pictures:
    clip, fast = shaken(size, defocus=0.8), gvd.Config.fast().without_defocus()
    settings = {"fast": fast, "sharpened": fast.with_stage(Sharpen(), after="colour")}
    return compare(clip.blurry, clip.sharp, clip.duty_cycle, settings)


if __name__ == "__main__":
    draw("sharpen", pictures)
