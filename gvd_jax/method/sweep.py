"""Many settings on one clip, by one set of programs."""

from collections.abc import Sequence
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from gvd_jax.errors import InputError
from gvd_jax.method.camera import Found, with_enough_samples
from gvd_jax.method.config import Config
from gvd_jax.method.deblur import find_start, make_problem, run_schedule
from gvd_jax.method.exposure_change import own_exposure
from gvd_jax.method.inputs import check_duty_cycle, check_frames
from gvd_jax.method.pictures import pictures_of
from gvd_jax.method.stages.start_flow import StartFlow
from gvd_jax.method.still_layer import Scene, find_scene, original_where_kept
from gvd_jax.method.timeline import Timeline, find_timeline
from gvd_jax.model.unknowns import Unknowns
from gvd_jax.ops.platform import on_cpu
from gvd_jax.progress import Hook, Progress, Recorder
from gvd_jax.solve.status import Status
from gvd_jax.trees import replace


def sweep(
    frames: Any,
    duty_cycles: Sequence[float] | float | str,
    configs: Sequence[Config],
    batch_size: int | None = None,
    hooks: Sequence[Hook] = (),
) -> Unknowns:
    """Restore one clip under N settings: `Unknowns` with an axis of N in front of all axes.

    `frames` [T, H, W, C] as for `deblur`; `configs` N settings that differ in numbers only; `duty_cycles` one tau for
    each of them, or one for all, or "auto". `batch_size` settings run side by side by `vmap`: one on a CPU, which is
    busy with one, else all; less takes less memory. What does not differ, as the start flow, is computed once. Nothing
    compiles anew for other numbers, but for a duty cycle so long that it takes more reads. `hooks` are called after
    every batch. Raises `InputError` as `deblur` does, and for settings of more than one program.
    """
    if isinstance(configs, Config):
        raise InputError("a sweep is over several settings; give a list of them, [config]")
    frames = check_frames(frames)
    timeline = find_timeline(np.asarray(frames))
    scene = find_scene(frames[np.array(timeline.starts)], timeline.links(frames.dtype), rests=timeline.rests)
    configs = [pictures_of(config, timeline) for config in configs]
    count = len(configs)
    one = isinstance(duty_cycles, str) or np.ndim(duty_cycles) == 0
    taus: list[Any] = [duty_cycles] * count if one else list(duty_cycles)  # pyright: ignore[reportArgumentType]
    if count == 0 or len(taus) != count:
        raise InputError(f"{len(taus)} duty cycles for {count} settings; give one for each setting, and one at least")
    if len({jax.tree.structure(config) for config in configs}) > 1:
        raise InputError("the settings differ in a schedule, kernel or block; sweep numbers, and loop over the rest")
    starts = _starts(scene, [check_duty_cycle(tau, timeline.pictures) for tau in taus], configs)
    samples = max(start.problem.blur.motion.samples for start in starts)
    settings = [
        (
            start.problem.frames,
            start.problem.duty_cycle,
            start.problem.continues,
            start.problem.trust,
            start.state.unknowns.flow,
            replace(
                config,
                blur=config.blur.with_samples(samples),
                camera=replace(config.camera, transfer=start.problem.transfer),
            ),
        )
        for start, config in zip(starts, configs, strict=True)
    ]
    size = batch_size or (1 if on_cpu() else count)
    recorder, parts = Recorder(hooks, count), []
    for first in range(0, count, size):
        own = settings[first : first + size]
        unknowns, worst = _side_by_side(own, size)
        for number, code in enumerate(np.asarray(worst)[: len(own)], first):
            if code > Status.REFUSED:
                raise InputError(f"setting {number} {Status(int(code)).message}: `deblur` says where")
        parts.append(unknowns)
        recorder.add(Progress("settings", 0, 1, frames.shape[1:3], 0.0, 0.0, {}, parts[-1]), len(own))
    found = jax.tree.map(lambda *leaves: jnp.concatenate(leaves)[:count], *parts)
    latent = [
        original_where_kept(own_exposure(own, start.exposure), start.exposure, start.problem.continues, scene)
        for own, start in zip(found.latent, starts, strict=True)
    ]
    return _in_frames(replace(found, latent=jnp.stack(latent)), timeline, configs[0])


def _in_frames(found: Unknowns, timeline: Timeline, config: Config) -> Unknowns:
    """The unknowns [N, T, ...] of the distinct pictures, for all frames that show them."""
    per_frame = [unknown.name for unknown in config.unknowns if unknown.per_frame and unknown.name in found]
    return replace(found, **{name: jnp.repeat(found[name], timeline.shown, 1) for name in per_frame})


def _starts(scene: Scene, taus: list[Any], configs: Sequence[Config]) -> list[Found]:
    """What is found out of the clip for each setting; once for all that agree on what it depends on."""
    found: dict[Any, Found] = {}
    starts = []
    for tau, config in zip(taus, configs, strict=True):
        found_out = isinstance(tau, str)
        key = tau if found_out else "given", _depends_on(config)
        if key not in found:
            found[key] = find_start(scene, tau, config)
        start = found[key]
        own = start.problem if found_out else replace(start.problem, duty_cycle=tau)
        starts.append(replace(start, problem=with_enough_samples(own, start.state.unknowns.flow)))
    return starts


def _depends_on(config: Config) -> Any:
    """What the camera and the start flow depend on, by value: the first stage, its terms, the camera settings."""
    first = config.first
    # What another stage asks of the energy is not known.
    names = first.block.roles if isinstance(first, StartFlow) else config.energy
    terms = {name: config.energy[name] for name in sorted(names) if name in config.energy}
    leaves, structure = jax.tree.flatten((first, terms, config.blur, config.camera))
    return structure, tuple((np.shape(leaf), np.asarray(leaf).tobytes()) for leaf in leaves)


def _side_by_side(settings: list[Any], size: int) -> tuple[Unknowns, jax.Array]:
    """`deblur_pure` of some settings, mapped over what differs between them; the last fills up to `size`."""
    settings = settings + settings[-1:] * (size - len(settings))
    structure = jax.tree.structure(settings[0])
    columns = list(zip(*(jax.tree.leaves(setting) for setting in settings), strict=True))
    same = [all(leaf is column[0] or np.array_equal(leaf, column[0]) for leaf in column) for column in columns]
    leaves = [column[0] if equal else jnp.stack(column) for column, equal in zip(columns, same, strict=True)]

    def one(*leaves: Any) -> tuple[Unknowns, jax.Array]:
        frames, tau, continues, trust, flow, config = jax.tree.unflatten(structure, leaves)
        problem = replace(make_problem(frames, tau, config), continues=continues, trust=trust)
        return run_schedule(problem, config, flow)

    return jax.vmap(one, [None if equal else 0 for equal in same], axis_size=size)(*leaves)
