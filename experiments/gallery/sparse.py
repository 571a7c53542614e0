"""A hyper-Laplacian in place of the total variation: gradients of photographs are sparser."""

import gvd_jax as gvd
from experiments.gallery.pictures import Pictures, Size, compare, draw, shaken
from experiments.terms import with_hyper_laplacian


def pictures(size: Size) -> Pictures:
    clip, fast = shaken(size, "coffee", noise=0.02), gvd.Config.fast()
    settings = {"total variation": fast, "hyper-Laplacian": with_hyper_laplacian(fast, 0.3)}
    return compare(clip.blurry, clip.sharp, clip.duty_cycle, settings)


if __name__ == "__main__":
    draw("sparse", pictures)
