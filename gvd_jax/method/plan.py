"""The plan of Algorithm 1: which stage follows which, on which level, at what cost."""

from dataclasses import dataclass

from gvd_jax.method.config import Config
from gvd_jax.method.pyramid import Shape, level_shapes
from gvd_jax.solve.blocks import Block

# Seconds per pixel of a stage relative to the latent block with its samples, measured; they only drive progress bars.
COSTS = {
    "start flow": 0.7,
    "draft": 0.8,
    "latent": 0.8,
    "flow": 0.8,
    "defocus": 0.5,
    "search": 1.2,
    "ends": 0.15,
    "edges": 0.1,
    "filter": 0.3,
    "colour": 2.6,
    "blend": 0.1,
}


@dataclass(frozen=True)
class Stage:
    """One step of the plan.

    `kind`: the unknown a block solves for, "draft" (latent frames to search a flow in, once the motion of the ends is
    known), "search" (flow from zero), "ends" (their motion), "edges" (their defocus), "filter", "colour" or "blend".
    """

    kind: str
    block: Block | None
    level: int  # 0 is the coarsest
    shape: Shape
    samples: int  # reads per side of the exposure
    cost: float
    guess: bool  # whether the motion of the ends has not been searched yet on this level
    in_focus: bool  # whether the defocus is taken to be none, for the edges have not been looked at yet


def make_plan(height: int, width: int, config: Config) -> list[Stage]:
    """All stages from the coarsest level to the final solve in colour at full size, and what follows it."""
    shapes = level_shapes(height, width, config.pyramid)

    def stage(kind: str, block: Block | None, level: int, shape: Shape) -> Stage:
        samples = max(2, -(-config.samples * shape[0] // height))
        cost = COSTS[kind] * shape[0] * shape[1] / (height * width)
        before = {done.kind for done in plan if done.level == level}
        in_focus = config.edges is not None and "edges" not in before
        return Stage(kind, block, level, shape, samples, cost, "ends" not in before, in_focus)

    plan: list[Stage] = []
    for level, shape in enumerate(shapes):
        for turn in range(config.pyramid.rounds):
            for block in config.blocks:
                if block.unknown == "flow" and config.search is not None:
                    plan.append(stage("search", None, level, shape))
                    if turn == 0:
                        plan.append(stage("ends", None, level, shape))
                draft = block.unknown == "latent" and config.search is not None and turn > 0
                plan.append(stage("draft" if draft else block.unknown, block, level, shape))
        if config.post is not None:
            plan.append(stage("filter", None, level, shape))
    last = len(shapes) - 1
    if config.edges is not None:
        plan.append(stage("edges", None, last, (height, width)))
    plan.append(stage("colour", config.latent_block, last, (height, width)))
    return [*plan, stage("blend", None, last, (height, width))] if config.blend is not None else plan
