"""Coarse to fine: the shapes of the levels."""

from gvd_jax.trees import pytree, static

Shape = tuple[int, int]
SMALL = 48  # pixels on the smaller side of a level


@pytree
class Pyramid:
    """`levels` at most, each `factor` times the next, the smaller side at least `smallest`.

    The `omitted` finest ones are left out.
    """

    factor: float = static(default=0.5)
    levels: int = static(default=1)
    smallest: int = static(default=16)
    omitted: int = static(default=0)


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
    `SMALL` levels, which take no time, share one: the same in the pyramids of a clip and of half its size.
    """
    finest_first = shapes[::-1]
    small = next((k for k, shape in enumerate(finest_first) if min(shape) <= SMALL), len(shapes))
    owners = [k for k in (sum(range(k + 1)) for k in range(len(shapes))) if k < small] + [small]
    return [finest_first[max(k for k in owners if k <= level)] for level in range(len(shapes))][::-1]
