"""Every setting of the method: an energy, a blur model, a schedule; and the presets."""

from collections.abc import Callable, Collection
from typing import Any

import jax
import numpy as np

from gvd_jax.convex.norms import Norm
from gvd_jax.errors import InputError
from gvd_jax.method import presets
from gvd_jax.method.camera import Camera
from gvd_jax.method.learned import LearnedFinish, LearnedRounds, read_learned
from gvd_jax.method.problem import Stage
from gvd_jax.method.programs import is_traced
from gvd_jax.method.promises import check_stage
from gvd_jax.method.schedule import Schedule, change_stages, stages_of
from gvd_jax.method.stages.finish import ReadDefocus
from gvd_jax.method.stages.search import Search
from gvd_jax.method.stages.solve import Solve
from gvd_jax.method.stages.start_flow import GivenFlow
from gvd_jax.model.blur import Blur, BlurOperator, GaussianDefocus, MotionBlur
from gvd_jax.model.energy import Energy
from gvd_jax.model.terms import Term
from gvd_jax.model.unknowns import DEFOCUS, DUTY_CYCLE, FLOW, LATENT, SHAKE, Unknown
from gvd_jax.ops.exposure import piecewise_linear_path
from gvd_jax.ops.transfer import TRANSFERS, power_transfer
from gvd_jax.shapes import Flow, Number
from gvd_jax.solve.blocks import Block, Role
from gvd_jax.solve.subproblem import BlockOptions
from gvd_jax.trees import pytree, replace


@pytree
class Config:
    """All settings. Numbers are traced, so sweeps share one program; what sets shapes, loops and code is static.

    `energy` holds every term with its weight; `blur` the blur model; `schedule` the stages, of which the first gives a
    flow; `unknowns` all that may be solved for; `camera` what is given of it.
    """

    energy: Energy
    blur: Blur
    schedule: Schedule
    unknowns: tuple[Unknown, ...] = (LATENT, FLOW, DEFOCUS)
    camera: Camera = Camera()

    @staticmethod
    def default() -> "Config":
        """The best pictures: quadratic path, flow by constancy in pixels, a few rounds, defocus read off the edges."""
        camera = Camera(transfer=None, exposure_change=presets.EXPOSURE_CHANGE)
        unknowns = (LATENT, FLOW, DEFOCUS, SHAKE, DUTY_CYCLE)
        return Config(presets.default_energy(), Blur(), presets.default_schedule(), unknowns, camera)

    @staticmethod
    def fast() -> "Config":
        """The default with one round, without a search, in fewer iterations."""
        sure = Config.default().without_unknown("shake").without_unknown("duty_cycle")
        return replace(sure, schedule=presets.fast_schedule())

    @staticmethod
    def learned() -> "Config":
        """The default under numbers learned from photographs, and a learned prior in the last solve.

        That solve has terms and weights of its own, "final_data", "final_temporal", "final_temporal_far",
        "final_latent_tv", "experts" and "experts_colour": those without "final" are of the rounds before it.
        """
        rounds, finish = read_learned()
        return Config.default().with_rounds(rounds).with_finish(finish)

    @staticmethod
    def paper() -> "Config":
        """The paper: its kernel, energy and constants (section 5), 17 levels of factor 0.9, one round each."""
        blur = Blur((MotionBlur(piecewise_linear_path), GaussianDefocus()))  # Eq. (3)
        unknowns = (replace(LATENT, upper=1.0), FLOW, replace(DEFOCUS, start=0.25))  # section 4.1
        return Config(presets.paper_energy(), blur, presets.paper_schedule(), unknowns)

    @staticmethod
    def gvd2015() -> "Config":
        """The predecessor, reference [20]: the paper without defocus."""
        return Config.paper().without_defocus()

    def with_transfer(self, name: str | Number) -> "Config":
        """The same settings under the camera curve "none", "srgb" or "gamma22", that of a gamma, which is a number, or
        "auto" to find it out."""
        if not isinstance(name, str):
            return replace(self, camera=replace(self.camera, transfer=power_transfer(name)))
        if name == "auto":
            return replace(self, camera=replace(self.camera, transfer=None))
        for transfer in TRANSFERS:
            if transfer.name == name:
                return replace(self, camera=replace(self.camera, transfer=transfer))
        raise InputError(f"unknown transfer {name!r}: choose {', '.join(t.name for t in TRANSFERS)}, auto or a number")

    def with_weights(self, **weights: Number) -> "Config":
        """The same settings under other weights of terms, by their names."""
        for name in weights:
            _known(name, self.energy, "term")
        for name, weight in weights.items():
            _check_weight(name, weight)
        energy = {name: replace(term, weight=weights.get(name, term.weight)) for name, term in self.energy.items()}
        return replace(self, energy=energy)

    def with_rounds(self, numbers: LearnedRounds) -> "Config":
        """The default's settings under the learned numbers of a round."""
        changed = self.with_weights(**numbers.weights)
        steps = {name: replace(role, step=numbers.dual[name]) for name, role in presets.LATENT_BLOCK.dual.items()}
        latent = replace(presets.LATENT_BLOCK, roles=presets.LATENT_BLOCK.roles | steps)
        neighbours = presets.DRAFT_NEIGHBOURS * self.energy["temporal"].weight / numbers.weights["temporal"]
        schedule = presets.default_schedule(latent, neighbours, numbers.model_error)
        return replace(changed, schedule=schedule)

    def with_finish(self, numbers: LearnedFinish) -> "Config":
        """The same settings whose last solve has terms of its own, under learned numbers: `Config.learned` names them.

        It starts from the blurry frames, for there a prior may cost more than in the rounds before. Nothing is smoothed
        behind it.
        """
        energy, schedule = presets.with_finish(self.energy, self.schedule, numbers)
        return replace(self, energy=energy, schedule=schedule)

    def with_term(self, name: str, term: Term, **roles: Role) -> "Config":
        """The same settings and a term of your own, or one in the place of that `name`.

        `roles` say for each unknown that feels it how it enters its subproblems, all of them: `latent=Dual()` for a
        residual that is affine in the unknown, `Quadratic()` for one whose norm may be reweighted as well, and
        `Linearised()` for any other. Without roles the term takes over those of the one in whose place it is, with
        the dual steps that each subproblem has for it.

        A residual meets the clip at the size of every level, in gray and channel by channel; arrays it knows per pixel
        are declared with `held`. A term of the flow also takes part in the start flow, where the latent frames are the
        blurry ones and the duty cycle is 0, and in every search. Raises `InputError` for an unknown that these settings
        do not solve for, and for a new term without roles.
        """
        if not isinstance(term, Term):
            raise InputError(f"{term!r} is no term: give Term(weight, residual, norm)")
        if isinstance(term.norm, type) or not isinstance(term.norm, Norm):
            raise InputError(f"{term.norm!r} is no norm: give an instance of one, as L1()")
        _check_weight(name, term.weight)
        if not roles and name not in self.energy:
            raise InputError(f"the term {name!r} has no role: say which unknown feels it and how, as latent=Dual()")
        solved = {block.unknown.name for block in self.blocks}
        for unknown, role in roles.items():
            if not isinstance(role, Role):
                raise InputError(f"{role!r} is not a role of a term: choose Dual(), Quadratic() or Linearised()")
            if unknown not in solved:
                raise InputError(
                    f"these settings have no {unknown} subproblem for the term {name!r}, they solve for "
                    f"{', '.join(sorted(solved))}: add a block by with_unknown"
                )
        changed = self
        if roles:
            changed = self.with_blocks(lambda b: b.without(name).with_term(name, roles.get(b.unknown.name)))
        return replace(changed, energy=self.energy | {name: term})

    def without_term(self, name: str) -> "Config":
        """The same settings, without the term. Raises `InputError` if there is none of that name."""
        _known(name, self.energy, "term")
        energy = {other: term for other, term in self.energy.items() if other != name}
        return replace(self.with_blocks(lambda block: block.without(name)), energy=energy)

    def with_unknown(self, unknown: Unknown, block: Block, after: str, options: BlockOptions | None = None) -> "Config":
        """The same settings with one more unknown, which a block solves for behind every stage named `after`.

        Raises `InputError` for a name that is taken, and for a block that solves for another unknown.
        """
        if unknown.name in (LATENT.name, FLOW.name):
            raise InputError(f"the method has an unknown {unknown.name!r} of its own: choose another name")
        if block.unknown.name != unknown.name:
            raise InputError(f"the block solves for {block.unknown.name!r}, not for the unknown {unknown.name!r}")
        changed = self.with_stage(Solve(unknown.name, block, options or BlockOptions()), after)
        return replace(changed, unknowns=(*(u for u in self.unknowns if u.name != unknown.name), unknown))

    def without_unknown(self, name: str) -> "Config":
        """The same settings without an unknown, its stages, and the terms that only they felt.

        Raises `InputError` for the latent frames and the flow, without which there is no method.
        """
        _known(name, {unknown.name for unknown in self.unknowns}, "unknown")
        if name in (LATENT.name, FLOW.name):
            raise InputError("the method needs the unknowns latent and flow; give a flow that is known by with_flow")

        def solves_for(stage: Any) -> bool:
            return name == (stage.block.unknown.name if isinstance(stage, Solve) else getattr(stage, "unknown", None))

        before = {term for block in self.blocks for term in block.roles}
        schedule = change_stages(self.schedule, lambda stage: () if solves_for(stage) else (stage,))
        unknowns = tuple(unknown for unknown in self.unknowns if unknown.name != name)
        changed = replace(self, schedule=schedule, unknowns=unknowns)
        lost = before - {term for block in changed.blocks for term in block.roles}
        return replace(changed, energy={term: own for term, own in self.energy.items() if term not in lost})

    def without_defocus(self) -> "Config":
        """The same settings with G the identity."""
        has_defocus = any(unknown.name == "defocus" for unknown in self.unknowns)
        return self.without_unknown("defocus") if has_defocus else self

    def with_all_defocus(self) -> "Config":
        """The same settings, to which whatever is out of focus is a fault, also where nothing moves."""

        def change(stage: Stage) -> tuple[Stage, ...]:
            return (replace(stage, still=0.0),) if isinstance(stage, ReadDefocus) else (stage,)

        return self.with_stages(change)

    def with_blur(self, *operators: BlurOperator) -> "Config":
        """The same settings under another blur model, its operators as their product reads: the last comes first.

        Raises `InputError` for a plain function: an operator is an instance of a class, so that it can have numbers.
        """
        for operator in operators:
            if jax.tree_util.all_leaves((operator,)):
                raise InputError(
                    f"{operator!r} is no blur operator: give an instance of a class declared with pytree, "
                    "with a method __call__(image, unknowns, observation)"
                )
        return replace(self, blur=Blur(operators))

    def with_stage(self, stage: Stage, after: str) -> "Config":
        """The same settings with one more stage behind every stage named `after`.

        Raises `InputError` for what is no stage.
        """
        check_stage(stage)
        _known(after, {own.name for own in self.stages}, "stage")
        return self.with_stages(lambda own: (own, stage) if own.name == after else (own,))

    def without_stage(self, name: str) -> "Config":
        """The same settings without the stages of that name."""
        _known(name, {own.name for own in self.stages}, "stage")
        return self.with_stages(lambda own: () if own.name == name else (own,))

    def with_stages(self, change: Callable[[Stage], tuple[Stage, ...]]) -> "Config":
        """The same settings with every stage replaced by those that `change` gives for it."""
        return replace(self, schedule=change_stages(self.schedule, change))

    def with_blocks(self, change: Callable[[Block], Block]) -> "Config":
        """The same settings with every block of every stage changed."""

        def is_block(node: Any) -> bool:
            return isinstance(node, Block)

        def changed(node: Any) -> Any:
            return change(node) if is_block(node) else node

        return replace(self, schedule=jax.tree.map(changed, self.schedule, is_leaf=is_block))

    def with_flow(self, flow: Flow) -> "Config":
        """The same settings that start from a flow [T, 2, H, W, 2] and keep it until a search lowers the energy.

        It takes the place of a "start flow" at the beginning of the schedule.
        """
        kept = self.schedule[1:] if [stage.name for stage in self.stages[:1]] == [GivenFlow.name] else self.schedule
        given = replace(self, schedule=(GivenFlow(flow), *kept))
        return given.with_stages(lambda own: (replace(own, rival=True) if isinstance(own, Search) else own,))

    @property
    def stages(self) -> list[Stage]:
        """All stages, also those of levels, in their order."""
        return stages_of(self.schedule)

    @property
    def first(self) -> Stage:
        """The stage that gives a flow."""
        return self.stages[0]

    @property
    def blocks(self) -> list[Block]:
        """The blocks of all stages, in their order."""
        nodes = jax.tree.leaves(self.schedule, is_leaf=lambda node: isinstance(node, Block))
        return [node for node in nodes if isinstance(node, Block)]


def _check_weight(name: str, weight: Any) -> None:
    if is_traced(weight):
        return
    number = np.asarray(weight)
    if not np.issubdtype(number.dtype, np.number) or not np.all((number >= 0) & np.isfinite(number)):
        raise InputError(f"the weight of the term {name!r} is {weight!r}: give a number, 0 or more")


def _known(name: str, known: Collection[str], what: str) -> None:
    if name not in known:
        raise InputError(f"these settings have no {what} {name!r}: there are {', '.join(sorted(known))}")
