"""Every setting of the method, and the presets. `Config.paper()` is the one place with the paper's numbers."""

from collections.abc import Callable
from typing import Any, get_args

import jax.numpy as jnp

from gvd_jax.convex.pdhg import Steps
from gvd_jax.errors import InputError
from gvd_jax.method.learned import LearnedRounds, read_learned
from gvd_jax.method.parts import Blend, Edges, Finish, PostFilter, Pyramid, Search
from gvd_jax.model.blur import BlurModel
from gvd_jax.model.energy import Energy, Weights, gvd_energy
from gvd_jax.model.terms import BRIGHTNESS, ISOTROPIC, STRUCTURE, Term
from gvd_jax.ops.defocus_blur import SCALES
from gvd_jax.ops.exposure import Path, piecewise_linear_path, quadratic_path
from gvd_jax.ops.transfer import NONE, TRANSFERS, Transfer
from gvd_jax.shapes import Frames
from gvd_jax.solve.blocks import CONSTANCY_FLOW, DEFOCUS, FLOW, LATENT, START_FLOW, Block, Role
from gvd_jax.solve.linearise import finite_difference
from gvd_jax.solve.subproblem import BlockOptions
from gvd_jax.trees import pytree, replace, static

BRIGHTEST = 2.0  # display value: what a sensor has clipped was brighter than 1


@pytree
class Config:
    """All settings. Numbers are traced, so sweeps share one program; schedules, kernels and blocks are static."""

    weights: Weights  # Eq. (8)
    flow_temporal: Any  # mu in the flow subproblem, which the code of [20] sets apart from mu of the latent one
    brightness: Any  # weight of brightness constancy in the flow, per pixel that it is off
    structure: Any  # weight of gradient constancy in the flow, per pixel that it is off
    latent: BlockOptions
    flow: BlockOptions
    defocus: BlockOptions
    start_flow: BlockOptions
    start_defocus: Any  # pixels of the coarsest level
    edge_variance: Any  # v_I of Eq. (7), squared intensity
    end_confidence: Any  # of the data term in the first and last frame while their motion is a guess
    model_error: Any  # of the blur model, as noise of display values: as much noise halves the weight of the data term
    exposure_change: Any  # of medium gray from frame to frame, display values: a larger one is evened out
    clipped_confidence: Any  # of the data term at highlights that the sensor has clipped
    unconfirmed_confidence: Any  # of the data term where the flow back from neither neighbour returns
    search: Search | None
    edges: Edges | None
    post: PostFilter | None
    blend: Blend | None
    finish: Finish | None
    extra_terms: Energy  # beside those of Eq. (8), or instead of one of the same name: `with_term`
    pyramid: Pyramid = static()
    start_pyramid: Pyramid = static()
    blocks: tuple[Block, ...] = static()  # of one round, in this order
    path: Path = static()
    scales: tuple[float, ...] = static()  # of the defocus, ascending from 0; none: no defocus
    samples: int = static(default=12)  # reads per side of the exposure at full size; set by `deblur`
    transfer: Transfer | None = static(default=NONE)  # None: chosen by the fit

    @staticmethod
    def default() -> "Config":
        """The best pictures: quadratic path, flow by constancy in pixels, a few rounds at full size."""
        return Config(
            weights=Weights(data=700.0, temporal=2.0, latent_tv=1.0, flow_tv=1.0, defocus_tv=0.3),
            flow_temporal=2.0,
            brightness=0.05,
            structure=0.5,
            latent=BlockOptions(Steps(iterations=4), jnp.inf, 0.0, BRIGHTEST, linearisations=2),
            flow=BlockOptions(Steps(cg_iterations=30), 1.0),
            defocus=BlockOptions(Steps(cg_iterations=30), 1.0, 0.0, SCALES[-1], linearisations=3),
            start_flow=BlockOptions(Steps(cg_iterations=20), 1.0, linearisations=4),
            start_defocus=0.0,
            edge_variance=jnp.inf,
            end_confidence=0.1,
            model_error=0.005,
            exposure_change=0.01,
            clipped_confidence=0.1,
            unconfirmed_confidence=0.1,
            search=Search(draft_temporal=0.4),
            edges=Edges(),
            post=None,
            blend=Blend(),
            finish=None,
            extra_terms={},
            # Half the size first: there a large blur is a small one, and the flow gets out of it.
            pyramid=Pyramid(levels=2, rounds=2),
            # Up to half the size: what the blur has left of the last two levels misleads a flow by constancy.
            start_pyramid=Pyramid(factor=0.5**0.5, levels=30, omitted=2),
            blocks=(LATENT, CONSTANCY_FLOW),
            path=quadratic_path,
            scales=SCALES,
        )

    @staticmethod
    def fast() -> "Config":
        """The default with one round, and fewer iterations."""
        config = Config.default()
        steps = replace(config.latent.steps, iterations=2)
        return replace(
            config,
            latent=replace(config.latent, steps=steps),
            start_flow=replace(config.start_flow, linearisations=2),
            blocks=(LATENT, START_FLOW),
            search=None,
            pyramid=Pyramid(rounds=1),
        )

    @staticmethod
    def learned() -> "Config":
        """The default under numbers learned from photographs, and a learned prior in the last solve."""
        config = Config.default()
        rounds, finish = read_learned()
        return replace(config.with_rounds(rounds), finish=finish.settings(config.latent.upper))

    @staticmethod
    def paper() -> "Config":
        """The paper: its kernel, energy and constants (section 5), 17 levels of factor 0.9, one round each.

        Iterations and step sizes are not printed; those of latent frames and flow are those of the authors' code of
        reference [20], which has no defocus: its steps are ours. Eta is theirs times the weight of the term.
        """
        return Config(
            weights=Weights(data=250.0, temporal=2.0, latent_tv=1.0, flow_tv=20.0, defocus_tv=20.0),  # sections 5, 2.3
            flow_temporal=250.0,  # [20]
            brightness=1.0,  # of the start flow, in the proportion of the default to flow_tv
            structure=10.0,
            latent=BlockOptions(Steps((20.0, 40.0, 40.0), iterations=5, cg_iterations=5), jnp.inf, 0.0, 1.0),  # [20]
            flow=BlockOptions(Steps(dual=10.0, iterations=21), 1.0, linearisations=5, linearisation=finite_difference),
            defocus=BlockOptions(
                Steps(dual=10.0, iterations=21), 0.1, 0.0, SCALES[-1], linearisations=2, linearisation=finite_difference
            ),
            start_flow=BlockOptions(Steps(cg_iterations=20), 1.0, linearisations=4),
            start_defocus=0.25,  # section 4.1
            edge_variance=(25 / 255) ** 2,  # Eq. (7)
            end_confidence=1.0,
            model_error=jnp.inf,
            exposure_change=jnp.inf,
            clipped_confidence=1.0,
            unconfirmed_confidence=1.0,
            search=None,
            edges=None,
            post=PostFilter(),  # Eqs. (18)-(19)
            blend=None,
            finish=None,
            extra_terms={},
            pyramid=Pyramid(factor=0.9, levels=17),  # section 5
            start_pyramid=Pyramid(factor=0.5**0.5, levels=30),
            blocks=(LATENT, FLOW, DEFOCUS),  # Algorithm 1
            path=piecewise_linear_path,  # Eq. (3)
            scales=SCALES,
        )

    @staticmethod
    def gvd2015() -> "Config":
        """The predecessor, reference [20]: the paper without defocus."""
        return Config.paper().without_defocus()

    def with_transfer(self, name: str) -> "Config":
        """The same settings under the camera curve "none", "srgb" or "gamma22", or "auto" to choose by the fit."""
        if name == "auto":
            return replace(self, transfer=None)
        for transfer in TRANSFERS:
            if transfer.name == name:
                return replace(self, transfer=transfer)
        raise InputError(f"unknown transfer {name!r}: choose {', '.join(t.name for t in TRANSFERS)} or auto")

    def without_defocus(self) -> "Config":
        """The same settings with G the identity, and no defocus subproblem or search."""
        blocks = tuple(block for block in self.blocks if block.unknown != "defocus")
        return replace(self, blocks=blocks, edges=None, scales=(), start_defocus=0.0)

    def with_rounds(self, numbers: LearnedRounds) -> "Config":
        """The same settings under the learned numbers of a round."""
        return replace(
            self,
            weights=Weights(
                numbers.data, numbers.temporal, numbers.latent_tv, numbers.flow_tv, self.weights.defocus_tv
            ),
            brightness=numbers.brightness,
            structure=numbers.structure,
            model_error=numbers.model_error,
            latent=replace(self.latent, steps=replace(self.latent.steps, dual=numbers.dual)),
        )

    def with_term(
        self, name: str, term: Term, latent: Role | None = None, flow: Role | None = None, defocus: Role | None = None
    ) -> "Config":
        """The same settings and a term of your own, or one in the place of that `name`, in every block with a role.

        "dual" is for a residual that is affine in the unknown, "quadratic" for one that is nearly so and whose norm is
        squared or may be reweighted, "linearised" for any other, and "pointwise" for one that at a pixel depends on the
        unknown there alone. A residual meets the clip at the size of every level, in gray and channel by channel.
        Raises `InputError` for a role that there is not, or of a subproblem that these settings do not solve.
        """
        roles: dict[str, Role | None] = {"latent": latent, "flow": flow, "defocus": defocus}
        solved = {block.unknown for block in self.blocks}
        for unknown, role in roles.items():
            if role is not None and role not in get_args(Role):
                raise InputError(f"{role!r} is not a role of a term: choose {', '.join(get_args(Role))}")
            if role is not None and unknown not in solved:
                raise InputError(
                    f"these settings have no {unknown} subproblem for the term {name!r}: add a block first"
                )
        terms = self.extra_terms | {name: term}
        return replace(
            self._with_blocks(lambda b: b.without(name).with_term(name, roles[b.unknown])), extra_terms=terms
        )

    def without_term(self, name: str) -> "Config":
        """The same settings, without the term in any block."""
        return self._with_blocks(lambda block: block.without(name))

    def _with_blocks(self, change: Callable[[Block], Block]) -> "Config":
        """The same settings with every block changed."""
        return replace(self, blocks=tuple(map(change, self.blocks)))

    def finishing(self, gray: Frames | None = None) -> "Config":
        """The settings of the last solve, of a channel whose `gray` frames [T, H, W, 1] the rounds have restored."""
        if self.finish is None:
            return self
        own, weights = self.finish, self.weights
        experts, block = own.experts(gray), self.latent_block
        for name in experts:
            block = block.with_term(name, "quadratic")
        return replace(
            self,
            weights=replace(
                weights,
                data=own.data * weights.data,
                temporal=own.temporal * weights.temporal,
                latent_tv=own.latent_tv * weights.latent_tv,
            ),
            model_error=own.model_error * self.model_error,
            latent=own.latent,
            extra_terms=experts | self.extra_terms,
            blocks=(block,),
        )

    @property
    def latent_block(self) -> Block:
        """The block that solves for the latent frames."""
        return next(block for block in self.blocks if block.unknown == "latent")

    def energy(self, block: Block, samples: int) -> Energy:
        """Eq. (8) as `block` sees it, with `samples` reads per side of the exposure, and the terms of constancy."""
        temporal = self.flow_temporal if block.unknown == "flow" else self.weights.temporal
        weights = replace(self.weights, temporal=temporal)
        printed = gvd_energy(weights, BlurModel(self.path, samples, self.scales, self.transfer or NONE))
        # Either neighbour counts by itself: one that does not see a point must not outvote the other.
        constancy = {
            "brightness": Term(self.brightness, BRIGHTNESS, ISOTROPIC),
            "structure": Term(self.structure, STRUCTURE, ISOTROPIC),
        }
        return printed | constancy | self.extra_terms
