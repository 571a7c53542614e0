"""Schedules and energies of the presets. `paper_...` are the one place with the paper's numbers, each with its
section."""

import jax.numpy as jnp

from gvd_jax.convex.norms import HyperLaplacian
from gvd_jax.convex.pdhg import Steps
from gvd_jax.method.agreement import Missed
from gvd_jax.method.believe import Confirmed, Inside
from gvd_jax.method.data_weight import MODEL_ERROR
from gvd_jax.method.learned import DUAL, LearnedFinish
from gvd_jax.method.problem import Stage
from gvd_jax.method.pyramid import Pyramid
from gvd_jax.method.schedule import Level, Schedule, change_stages
from gvd_jax.method.stages.colour import SolveChannels
from gvd_jax.method.stages.duty_cycle import FindDutyCycle
from gvd_jax.method.stages.finish import Blend, KeepSharp, PostFilter, ReadDefocus, Soften
from gvd_jax.method.stages.search import GuessEnds, Search, SearchEnds
from gvd_jax.method.stages.shake import FindShake
from gvd_jax.method.stages.solve import Afresh, Solve
from gvd_jax.method.stages.start_flow import StartFlow
from gvd_jax.model.energy import Energy, gvd_energy
from gvd_jax.model.experts import FieldOfExperts
from gvd_jax.model.terms import ABSOLUTE, BRIGHTNESS, ISOTROPIC, STRUCTURE, TEMPORAL, TEMPORAL_FAR, Term
from gvd_jax.model.unknowns import DEFOCUS, FLOW, LATENT
from gvd_jax.shapes import Number
from gvd_jax.solve.blocks import CONSTANCY_FLOW, LATENT_BLOCK, START_FLOW, Block, Dual, Linearised, Quadratic
from gvd_jax.solve.linearise import Gradient
from gvd_jax.solve.subproblem import BlockOptions
from gvd_jax.trees import replace

EXPERTS_NORM = HyperLaplacian(0.7)  # Krishnan and Fergus (2009): exponents of 0.5 to 0.8 fit photographs
# Up to half the size: what the blur has left of the last two levels misleads a flow by constancy.
START_PYRAMID = Pyramid(factor=0.5**0.5, levels=30, omitted=2)
# Confidence of the data term where the flow back from neither neighbour returns, at highlights that the sensor has
# clipped, and in the first and last frame while their motion is a guess: experiments/quality.py, rows "without".
UNCONFIRMED, CLIPPED, GUESSED_ENDS = 0.1, 0.1, 0.1
# The temporal term would bind the frames of a draft to the last flow, and a search would only find that one again. The
# dual steps make up for it: so the iterations are those of a fifth of the weight.
DRAFT_NEIGHBOURS = 0.2
# Of the data term in the last solve: nothing is searched in its frames, and the noise that it lets in is smoothed.
# experiments/quality.py, rows "without_soften" and "without_final_data".
FINAL_DATA = 2.0
EXPOSURE_CHANGE = 0.01  # of medium gray, display values: experiments/quality.py, rows d1_flicker


def constancy(brightness: float, structure: float) -> Energy:
    """The terms of constancy along the flow, weights per pixel that it is off.

    Either neighbour counts by itself: one that does not see a point must not outvote the other.
    """
    return {
        "brightness": Term(brightness, BRIGHTNESS, ISOTROPIC),
        "structure": Term(structure, STRUCTURE, ISOTROPIC),
    }


def default_energy() -> Energy:
    """Eq. (8) without a prior of the defocus, which is read off the edges; constancy in pixels binds the flow."""
    printed = gvd_energy(data=700.0, temporal=2.0, latent_tv=1.0, flow_tv=1.0, defocus_tv=0.0)
    return {name: term for name, term in printed.items() if name != "defocus_tv"} | constancy(0.05, 0.5)


def draft_of(block: Block, neighbours: Number) -> Block:
    """The block under neighbours that are believed that far: the dual steps of their terms make up for it."""
    roles = {
        name: replace(role, step=role.step / neighbours) if name in ("temporal", "temporal_far") else role
        for name, role in block.dual.items()
    }
    return replace(block, roles=block.roles | roles)


def default_schedule(
    latent: Block = LATENT_BLOCK, draft_neighbours: Number = DRAFT_NEIGHBOURS, model_error: Number = MODEL_ERROR
) -> Schedule:
    """Two rounds at half the size, where a large blur is a small one and the flow gets out of it, and two at full
    size; every flow is searched anew, in latent frames solved afresh."""
    options = BlockOptions(Steps(iterations=4), jnp.inf, linearisations=2)
    start = StartFlow(START_FLOW, BlockOptions(Steps(cg_iterations=20), 1.0, linearisations=4), START_PYRAMID)
    believe = Confirmed(unconfirmed=UNCONFIRMED, clipped=CLIPPED, model_error=model_error)
    before_ends, draft = replace(believe, ends=GUESSED_ENDS), replace(believe, neighbours=draft_neighbours)
    flow = Solve("flow", CONSTANCY_FLOW, BlockOptions(Steps(cg_iterations=30), 1.0))

    def rounds(*when_shake_is_known: Stage) -> tuple[Stage, ...]:
        return (
            *(Afresh(LATENT), Solve("latent", latent, options, before_ends), Search(start), SearchEnds(believe), flow),
            *(FindShake(believe), *when_shake_is_known),
            *(Afresh(LATENT), Solve("draft", draft_of(latent, draft_neighbours), options, draft)),
            *(Search(start), SearchEnds(believe), flow),
        )

    # A larger blur tells more of the motion of the ends, which is searched anew, and of the duty cycle.
    levels = Level(rounds(), scale=0.5), Level((GuessEnds(), *rounds(FindDutyCycle())))
    last = SolveChannels(latent, options, replace(believe, data=FINAL_DATA))
    return (start, *levels, ReadDefocus(), last, Soften(), Blend(), KeepSharp())


def fast_schedule() -> Schedule:
    """One round at full size, without a search, in fewer iterations."""
    options = BlockOptions(Steps(iterations=2), jnp.inf, linearisations=2)
    start = StartFlow(START_FLOW, BlockOptions(Steps(cg_iterations=20), 1.0, linearisations=2), START_PYRAMID)
    flow = Solve("flow", START_FLOW, BlockOptions(Steps(cg_iterations=30), 1.0))
    believe = Confirmed(UNCONFIRMED, GUESSED_ENDS, CLIPPED, MODEL_ERROR)
    blend = Blend(missed=Missed(region_of_many=0.75))
    one = Level((Solve("latent", LATENT_BLOCK, options, believe), flow, GuessEnds()))
    return (start, one, ReadDefocus(), SolveChannels(LATENT_BLOCK, options, believe), blend, KeepSharp())


def with_finish(energy: Energy, schedule: Schedule, finish: LearnedFinish) -> tuple[Energy, Schedule]:
    """Terms of their own for the last solve, and a schedule that uses them.

    Experts join the total variation: filters that answer to a channel, and to how it
    differs from the gray frames of the rounds.
    """
    own = {f"final_{name}": energy[name] for name in ("data", *DUAL)}
    own = {name: replace(term, weight=finish.weights[name]) for name, term in own.items()}
    filters = {"experts": (finish.filters, False), "experts_colour": (finish.colour_filters, True)}
    experts = {
        name: Term(1.0, FieldOfExperts(jnp.asarray(kernels), under_gray), EXPERTS_NORM)
        for name, (kernels, under_gray) in filters.items()
        if kernels is not None
    }
    duals = {name: Dual(step) for name, step in finish.dual.items()}
    block = Block(LATENT, {"final_data": Linearised(test=False)} | duals | {name: Quadratic() for name in experts})
    # A norm that is not convex is majorised anew often. The numbers are learned for so many steps.
    options = BlockOptions(Steps(iterations=2), jnp.inf, linearisations=6)
    believe = Confirmed(UNCONFIRMED, clipped=CLIPPED, model_error=finish.model_error)
    last = SolveChannels(block, options, believe, colour_terms=("experts_colour",), fresh=True)

    def change(stage: Stage) -> tuple[Stage, ...]:
        if isinstance(stage, Soften):
            return ()  # the experts are learned for what they leave
        return (last,) if isinstance(stage, SolveChannels) else (stage,)

    return energy | own | experts, change_stages(schedule, change)


def paper_energy() -> Energy:
    """Eq. (8) under the weights of sections 5 and 2.3; in the flow Eq. (5) weighs as in the code of reference [20].

    The start flow has constancy in the proportion to its smoothness that the default has.
    """
    printed = gvd_energy(data=250.0, temporal=2.0, latent_tv=1.0, flow_tv=20.0, defocus_tv=20.0)
    own = {"flow_temporal": Term(250.0, TEMPORAL, ABSOLUTE), "flow_temporal_far": Term(250.0, TEMPORAL_FAR, ABSOLUTE)}
    return printed | own | constancy(1.0, 10.0)


def paper_schedule() -> Schedule:
    """17 levels of factor 0.9, one round each (section 5, Algorithm 1).

    Iterations and step sizes are not printed; those of latent frames and flow are those of the authors' code of
    reference [20], which has no defocus: its steps are ours. Eta is theirs times the weight of the term. The linear
    costs of Eqs. (12) and (15) are exact gradients, not the paper's differences (`FiniteDifference`).
    """
    variance = (25 / 255) ** 2  # Eq. (7)
    exact = Linearised(Gradient())
    latent = replace(LATENT_BLOCK, unknown=replace(LATENT, upper=1.0))
    latent = replace(
        latent, roles=latent.roles | {"latent_tv": Dual(20.0), "temporal": Dual(40.0), "temporal_far": Dual(40.0)}
    )
    flow = Block(FLOW, {"data": exact, "flow_temporal": exact, "flow_temporal_far": exact, "flow_tv": Dual(10.0)})
    defocus = Block(DEFOCUS, {"data": exact, "defocus_tv": Dual(10.0)})
    options = BlockOptions(Steps(iterations=5, cg_iterations=5), jnp.inf)  # [20]
    stages = (
        Solve("latent", latent, options, Confirmed()),
        Solve("flow", flow, BlockOptions(Steps(iterations=21), 1.0, linearisations=5), Inside(variance)),
        Solve("defocus", defocus, BlockOptions(Steps(iterations=21), 0.1, linearisations=2), Inside(variance), 0.5),
        PostFilter(),  # Eqs. (18)-(19)
    )
    pyramid = Pyramid(factor=0.5**0.5, levels=30)
    start = StartFlow(START_FLOW, BlockOptions(Steps(cg_iterations=20), 1.0, linearisations=4), pyramid)
    levels = (Level(stages, scale=0.9**k) for k in reversed(range(17)))
    return (start, *levels, SolveChannels(latent, options, Confirmed()))
