"""The three subproblems, declared: which unknown, and how each term of Eq. (8) enters."""

from gvd_jax.trees import pytree, static


@pytree
class Block:
    """One subproblem.

    `unknown` is the field of `Unknowns` it solves for; `quadratic` and `dual` terms are affine in it; `linearised` terms
    are not, and are replaced by a convex model around the current value; `pixel_axes` are its axes (T, H, W).
    """

    unknown: str = static()
    quadratic: tuple[str, ...] = static(())
    dual: tuple[str, ...] = static(())
    linearised: tuple[str, ...] = static(())
    pixel_axes: tuple[int, int, int] = static((0, 1, 2))

    @property
    def terms(self) -> tuple[str, ...]:
        return self.quadratic + self.linearised + self.dual


LATENT = Block("latent", quadratic=("data",), dual=("latent_tv", "temporal"))  # Eqs. (9)-(10)
FLOW = Block("flow", linearised=("data", "temporal"), dual=("flow_tv",), pixel_axes=(0, 2, 3))  # Eqs. (11)-(14)
DEFOCUS = Block("defocus", linearised=("data",), dual=("defocus_tv",))  # Eqs. (15)-(17)
INITIAL_FLOW = Block("flow", linearised=("temporal",), dual=("flow_tv",), pixel_axes=(0, 2, 3))  # section 4.1
