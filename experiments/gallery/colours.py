"""A term across colours: edges of the channels lie at the same places (joint total variation), in one joint solve."""

import gvd_jax as gvd
from experiments.gallery.pictures import Pictures, Size, compare, draw, shaken


def differences(unknowns, observation):
    """The gradients of how the channels differ from their mean: across an edge all change alike."""
    latent = unknowns.latent - unknowns.latent.mean(-1, keepdims=True)
    return latent[:, :, 1:] - latent[:, :, :-1], latent[:, 1:] - latent[:, :-1]


def settings(config: gvd.Config) -> gvd.Config:
    """The last solve takes all channels at once, and the term."""
    last = next(stage for stage in config.stages if isinstance(stage, gvd.SolveChannels))
    block = last.block.with_term("colours", gvd.Dual())
    joint = gvd.Solve("joint colour", block, last.options, last.believe, cost=last.cost)
    term = gvd.Term(1.0, differences, gvd.L1())
    config = gvd.replace(config, energy=config.energy | {"colours": term})
    return config.with_stages(lambda stage: (gvd.ToColour(), joint) if stage is last else (stage,))


def pictures(size: Size) -> Pictures:
    clip, fast = shaken(size, "coffee", noise=0.02), gvd.Config.fast()
    return compare(clip.blurry, clip.sharp, clip.duty_cycle, {"each channel": fast, "across colours": settings(fast)})


if __name__ == "__main__":
    draw("colours", pictures)
