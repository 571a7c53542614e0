"""The stages of Algorithm 1: each carries the unknowns one step on."""

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

from gvd_jax.method.agreement import blend_by_agreement
from gvd_jax.method.boundaries import adopt_nearby_flow, blur_confidence
from gvd_jax.method.config import Config
from gvd_jax.method.data_weight import weigh_data
from gvd_jax.method.edge_width import defocus_from_edges
from gvd_jax.method.ends import accelerate_ends, extrapolate_ends, search_ends
from gvd_jax.method.initialise import start_flow
from gvd_jax.method.memory import lean_jit
from gvd_jax.method.noise import noise_level
from gvd_jax.method.occlusion import inside, visibility
from gvd_jax.method.parts import Edges
from gvd_jax.method.plan import Stage
from gvd_jax.method.post_filter import post_filter
from gvd_jax.method.pyramid import propagate
from gvd_jax.method.start import to_gray
from gvd_jax.model.edge_map import edge_map
from gvd_jax.model.energy import Energy, evaluate
from gvd_jax.model.variables import Observation, Unknowns, observe
from gvd_jax.ops.resize import resize_frames
from gvd_jax.ops.transfer import NONE
from gvd_jax.shapes import Array, DutyCycle, Float, Frames
from gvd_jax.solve import subproblem
from gvd_jax.solve.blocks import LATENT, START_FLOW, Block
from gvd_jax.trees import replace

# After a stage: the unknowns, every term of the energy, and how its subproblem went.
Step = tuple[Unknowns, dict[str, Any], subproblem.BlockInfo | None]


# Three programs for one subproblem, for the outer two serve several.
@partial(jax.jit, static_argnames="block")
def _observation(
    block: Block, unknowns: Unknowns, blurry: Frames, duty_cycle: DutyCycle, config: Config, end_confidence: Any
) -> Observation:
    """What the block holds fixed. Occluded neighbours say nothing about the latent frame; the flow's own check would
    exclude what is still to be matched, so its block asks only that the neighbour's frame holds the position."""
    observed = observe(blurry, duty_cycle)
    observed = replace(observed, edge_map=edge_map(unknowns.latent, config.edge_variance))
    if block.unknown != "latent":
        return replace(observed, visibility=inside(unknowns.flow))
    visible = visibility(unknowns.flow)
    trust = blur_confidence(visible, config.unconfirmed_confidence).at[jnp.array([0, -1])].mul(end_confidence)
    return replace(observed, visibility=visible, confidence=trust)


@partial(lean_jit, static_argnames=("block",))
def _solve(
    block: Block, energy: Energy, unknowns: Unknowns, observation: Observation, options: subproblem.BlockOptions
) -> tuple[jax.Array, subproblem.BlockInfo]:
    """The block's unknown; the others would only be copied. And how it went."""
    solved, info = subproblem.run(block, energy, unknowns, observation, options)
    return getattr(solved, block.unknown), info


@lean_jit
def _energies(energy: Energy, unknowns: Unknowns, observation: Observation) -> dict[str, Any]:
    return evaluate(energy, unknowns, observation)[1]


def _weighed(observation: Observation, config: Config) -> Observation:
    return weigh_data(observation, config.model_error, config.clipped_confidence)


def solve_block(
    block: Block,
    unknowns: Unknowns,
    blurry: Frames,
    duty_cycle: DutyCycle,
    config: Config,
    samples: int,
    end_confidence: Any = 1.0,
) -> Step:
    """One subproblem on one level, every term of the energy after it, and how it went (steps 3-5).

    `samples` are reads per side of the exposure; `end_confidence` scales the data term of the first and the last frame
    in the latent subproblem.
    """
    energy = config.energy(block, samples)
    observation = _observation(block, unknowns, blurry, duty_cycle, config, end_confidence)
    if block.unknown == "latent":
        observation = _weighed(observation, config)
    options = {"latent": config.latent, "flow": config.flow, "defocus": config.defocus}[block.unknown]
    solution, info = _solve(block, energy, unknowns, observation, options)
    unknowns = replace(unknowns, **{block.unknown: solution})
    return unknowns, _energies(energy, unknowns, observation), info


@partial(jax.jit, static_argnames="samples")
def _search_ends(unknowns: Unknowns, blurry: Frames, duty_cycle: DutyCycle, config: Config, samples: int) -> Unknowns:
    data = config.energy(LATENT, samples)["data"].residual
    return replace(unknowns, flow=search_ends(unknowns, blurry, duty_cycle, data))


_adopt = lean_jit(adopt_nearby_flow)


@jax.jit
def _filter(unknowns: Unknowns, sigma, occluded) -> Unknowns:
    seen = visibility(unknowns.flow)
    return replace(unknowns, latent=post_filter(unknowns.latent, unknowns.flow, seen, sigma, occluded))


@jax.jit
def _read_defocus(unknowns: Unknowns, blurry: Frames, edges: Edges) -> Unknowns:
    noise = noise_level(blurry[..., 0])
    defocus = defocus_from_edges(unknowns.latent, noise, edges.quantile, edges.focused, edges.gain)
    return replace(unknowns, defocus=defocus)


@lean_jit
def _blend(unknowns: Unknowns, frames: Frames, tolerance: Any) -> Unknowns:
    return replace(unknowns, latent=blend_by_agreement(frames, unknowns.latent, unknowns.flow, tolerance))


@partial(jax.jit, static_argnames=("shape",))
def to_level(unknowns: Unknowns, shape: tuple[int, int]) -> Unknowns:
    """The unknowns in the pixels of a level of that (H, W)."""
    return propagate(unknowns, shape)


@partial(jax.jit, static_argnames=("shape",))
def _gray_at(frames: Frames, config: Config, shape: tuple[int, int]) -> Float[Array, "T a b 1"]:
    """The gray blurry frames on a level. They shrink in linear light: there a small blur remains of a large one."""
    gray = to_gray(frames, config)
    if gray.shape[1:3] == shape:
        return gray
    transfer = config.transfer or NONE
    return jnp.clip(transfer.to_display(resize_frames(transfer.to_linear(gray), *shape)), 0, 1)


@jax.jit
def _channel(unknowns: Unknowns, gray: Observation, frames: Frames, number: Any) -> tuple[Unknowns, Observation]:
    """Where the solve of one channel of the clip starts, as the blurry channel under the restored gray; and what is
    observed of it."""
    blurry = jax.lax.dynamic_slice_in_dim(frames, number, 1, -1)
    start = replace(unknowns, latent=jnp.clip(blurry + unknowns.latent - gray.blurry, 0, 1))
    return start, replace(gray, blurry=blurry)


def _solve_channels(
    stage: Stage, unknowns: Unknowns, frames: Frames, duty_cycle: DutyCycle, config: Config, end_confidence: Any
) -> Step:
    """The latent frames in colour, by the program of the gray ones; the energy of their gray, and how channels went.

    A total variation that joins the channels gains nothing over one of each.
    """
    block = config.latent_block
    energy = config.energy(block, stage.samples)
    observation = _observation(block, unknowns, to_gray(frames, config), duty_cycle, config, end_confidence)
    channels, infos = [], []
    for number in range(frames.shape[-1]):
        start, observed = _channel(unknowns, observation, frames, number)
        observed = _weighed(observed, config)
        channel, info = _solve(block, energy, start, observed, config.latent)
        channels.append(channel)
        infos.append(info)
    latent = jnp.clip(jnp.concatenate(channels, -1), 0, 1)
    gray = replace(unknowns, latent=to_gray(latent, config))
    energies = _energies(energy, gray, _weighed(observation, config))
    return replace(unknowns, latent=latent), energies, jax.tree.map(lambda *parts: jnp.stack(parts), *infos)


def run_stage(stage: Stage, unknowns: Unknowns, frames: Frames, duty_cycle: DutyCycle, config: Config) -> Step:
    """Carry the unknowns through one stage; `frames` [T, H, W, C] are the blurry clip at full size."""
    if unknowns.flow.shape[2:4] != stage.shape:
        unknowns = to_level(unknowns, stage.shape)
        if config.search is not None:  # a larger blur tells more of the motion of the ends: it is searched anew
            unknowns = replace(unknowns, flow=extrapolate_ends(unknowns.flow))
    if stage.kind == "filter":
        assert config.post is not None
        return _filter(unknowns, config.post.sigma, config.post.occluded), {}, None
    if stage.kind == "blend":
        assert config.blend is not None
        return _blend(unknowns, frames, config.blend.tolerance), {}, None
    if stage.kind == "edges":
        assert config.edges is not None
        return _read_defocus(unknowns, to_gray(frames, config), config.edges), {}, None
    if stage.in_focus:
        config = replace(config, scales=())
    end_confidence = config.end_confidence if stage.guess else 1.0
    if stage.kind == "colour":
        colours = frames.shape[-1] > 1
        finishing = config.finishing(unknowns.latent if colours else None)
        if config.finish is not None:  # afresh: a draft has the prior of the rounds
            unknowns = replace(unknowns, latent=to_gray(frames, config))
        return _solve_channels(stage, unknowns, frames, duty_cycle, finishing, end_confidence)
    blurry = _gray_at(frames, config, stage.shape)
    if stage.kind == "search":
        flow = start_flow(unknowns.latent, config)
        constancy = config.energy(START_FLOW, 0)
        flow = _adopt(unknowns.latent, flow, duty_cycle, constancy["brightness"], constancy["structure"])
        kept = flow if stage.guess else accelerate_ends(flow, unknowns.flow[jnp.array([0, -1])].sum(1))
        return replace(unknowns, flow=kept), {}, None
    if stage.kind == "ends":
        return _search_ends(unknowns, blurry, duty_cycle, config, stage.samples), {}, None
    assert stage.block is not None
    search = config.search
    if search is not None and stage.kind in ("draft", "latent"):
        # Afresh: what the latent frames have taken over from an earlier flow would speak for it.
        unknowns = replace(unknowns, latent=blurry)
        if stage.kind == "draft":
            config = replace(config, weights=replace(config.weights, temporal=search.draft_temporal))
    unknowns, energy, info = solve_block(
        stage.block, unknowns, blurry, duty_cycle, config, stage.samples, end_confidence
    )
    if stage.block.unknown == "flow" and "data" not in stage.block.terms:
        unknowns = replace(unknowns, flow=extrapolate_ends(unknowns.flow))
    return unknowns, energy, info
