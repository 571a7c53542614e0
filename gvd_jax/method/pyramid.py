"""Coarse to fine: the shapes of the levels and what passes between them."""

from gvd_jax.method.parts import Pyramid
from gvd_jax.model.variables import Unknowns
from gvd_jax.ops.resize import resize_defocus, resize_flow, resize_frames

Shape = tuple[int, int]


def level_shapes(height: int, width: int, pyramid: Pyramid) -> list[Shape]:
    """(H, W) of every level, coarsest first, of which there is at least one; unless omitted, the last is full size."""
    shapes = [(height, width)]
    for level in range(1, pyramid.levels):
        scale = pyramid.factor**level
        shape = (round(height * scale), round(width * scale))
        if min(shape) < pyramid.smallest:
            break
        shapes.append(shape)
    return shapes[min(pyramid.omitted, len(shapes) - 1) :][::-1]


def canvases(shapes: list[Shape]) -> list[Shape]:
    """Shapes, each at least as large as that of its level, of which there are few: so many programs are compiled.

    The finest level has its own, the next two share one, the next three another, which makes a fifth more pixels.
    """
    finest_first = shapes[::-1]
    owners = [sum(range(k + 1)) for k in range(len(shapes))]
    return [finest_first[max(k for k in owners if k <= level)] for level in range(len(shapes))][::-1]


def propagate(unknowns: Unknowns, shape: Shape) -> Unknowns:
    """Algorithm 1, step 7: resample everything; flow and defocus are rescaled to pixels of the new level."""
    return Unknowns(
        resize_frames(unknowns.latent, *shape),
        resize_flow(unknowns.flow, *shape),
        resize_defocus(unknowns.defocus, *shape),
    )
