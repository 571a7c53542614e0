"""Subproblems, declared: which unknown, and the role of every term that it feels.

A role is the choice of a convex model of the term. What it takes for granted is checked before anything is solved.
"""

from typing import Any

import jax

from gvd_jax.errors import InputError
from gvd_jax.model.terms import Term
from gvd_jax.model.unknowns import DEFOCUS, FLOW, LATENT, Unknown
from gvd_jax.shapes import Number
from gvd_jax.solve.linearise import (
    MATRIX_FREE,
    PER_PIXEL,
    GaussNewton,
    Linearisation,
    PerPixel,
    Point,
    Storage,
    is_affine,
)
from gvd_jax.trees import pytree, replace, static


@pytree
class Dual:
    """The norm as it is, through a dual variable: for a residual that is affine in the unknown, and a norm with a prox.

    The dual steps by `step`, eta of Eqs. (10), (14) and (17), times the weight of the term.
    """

    step: Number = 10.0

    def check(self, name: str, term: Term, point: Point) -> None:
        """Raise `InputError` unless the residual is affine."""
        _check_affine(name, term, point, "dual")
        found = jax.eval_shape(lambda: term.norm.prox(term.residual(point.unknowns, point.observation), 1.0))
        _check_some(name, found)


@pytree
class Quadratic:
    """The norm majorised by a quadratic at the current residual, which must be affine in the unknown.

    Squares are what they are; other norms are reweighted anew with every linearisation. The step is not tested.
    """

    storage: Storage = static(default=MATRIX_FREE)

    @property
    def model(self) -> Linearisation:
        """The same as a linearisation."""
        return GaussNewton(self.storage)

    def check(self, name: str, term: Term, point: Point) -> None:
        """Raise `InputError` unless the residual is affine, and has the axes of its storage."""
        _check_affine(name, term, point, "quadratic")
        _check_axes(name, term, point, self.model)


@pytree
class Linearised:
    """A convex model of any residual, and whether the true energy must fall along the step to its solution.

    Without a test of one term at least, the step is taken whole.
    """

    model: Linearisation = static(default=GaussNewton())
    test: bool = static(default=True)

    def check(self, name: str, term: Term, point: Point) -> None:
        """Raise `InputError` unless the residual has the axes of its storage."""
        _check_axes(name, term, point, self.model)


Role = Dual | Quadratic | Linearised


def _check_affine(name: str, term: Term, point: Point, role: str) -> None:
    if not is_affine(term, point):
        raise InputError(
            f"the term {name!r} is not affine in the {point.unknown.name}, as a {role} term must be: "
            "give it the role Linearised()"
        )


def _check_some(name: str, residual: Any) -> None:
    if not jax.tree.leaves(residual):
        raise InputError(f"the residual of the term {name!r} returns nothing")


def _check_axes(name: str, term: Term, point: Point, model: Linearisation) -> None:
    residual = jax.eval_shape(term.residual, point.unknowns, point.observation)
    _check_some(name, residual)
    if not (isinstance(model, GaussNewton) and isinstance(model.storage, PerPixel)):
        return
    expected = point.planes[0].shape
    for leaf in jax.tree.leaves(residual):
        if leaf.shape[: len(expected)] != expected:
            raise InputError(
                f"the term {name!r} has a residual of shape {leaf.shape}, which is none per pixel {expected} of the "
                f"{point.unknown.name}: give it the role Linearised() without PerPixel()"
            )


@pytree
class Block:
    """One subproblem: the unknown it solves for, and the role of each term it feels, by name."""

    unknown: Unknown
    roles: dict[str, Role]

    def with_term(self, name: str, role: Role | None) -> "Block":
        """The block with one more term in a `role`; without a role the block is the same."""
        return self if role is None else replace(self, roles=self.roles | {name: role})

    def without(self, *names: str) -> "Block":
        """The block without these terms."""
        return replace(self, roles={name: role for name, role in self.roles.items() if name not in names})

    @property
    def dual(self) -> dict[str, Dual]:
        """The terms with a dual variable, in the order of their names, which is that of a pytree."""
        return {name: role for name, role in sorted(self.roles.items()) if isinstance(role, Dual)}

    @property
    def modelled(self) -> dict[Linearisation, list[str]]:
        """The other terms, by their convex model."""
        found: dict[Linearisation, list[str]] = {}
        for name, role in sorted(self.roles.items()):
            if not isinstance(role, Dual):
                found.setdefault(role.model, []).append(name)
        return found

    @property
    def tested(self) -> bool:
        """Whether the true energy must fall."""
        return any(isinstance(role, Linearised) and role.test for role in self.roles.values())


# Eqs. (9)-(10). What the sensor clips, and the camera curve, make the data term a little less than affine.
LATENT_BLOCK = Block(
    LATENT, {"data": Linearised(test=False), "latent_tv": Dual(), "temporal": Dual(), "temporal_far": Dual()}
)
# Eqs. (11)-(14)
FLOW_BLOCK = Block(
    FLOW, {"data": Linearised(), "temporal": Linearised(), "temporal_far": Linearised(), "flow_tv": Dual()}
)
DEFOCUS_BLOCK = Block(DEFOCUS, {"data": Linearised(), "defocus_tv": Dual()})  # Eqs. (15)-(17)
# Not the paper's: the total variation is reweighted with the rest, so that conjugate gradients alone solve the
# subproblem, and constancy in pixels takes the place of Eq. (5).
_CONSTANCY = Linearised(GaussNewton(PER_PIXEL))
START_FLOW = Block(FLOW, {"flow_tv": Linearised(), "brightness": _CONSTANCY, "structure": _CONSTANCY})
CONSTANCY_FLOW = START_FLOW.with_term("data", Linearised())
