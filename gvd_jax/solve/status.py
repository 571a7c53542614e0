"""How a solve ended."""

from enum import IntEnum


class Status(IntEnum):
    """The result code of one step of a subproblem, the worst last."""

    CONVERGED = 0  # what is left to do is less than a ten-thousandth of the energy
    SPENT = 1  # all iterations were spent, as most solves inside the method do on purpose
    REFUSED = 2  # the energy would have risen on every frame, so nothing moved
    NOT_PER_PIXEL = 3  # a term declared `PerPixel` looks beyond its pixel, so nothing moved
    NOT_FINITE = 4  # NaN or infinity

    @property
    def message(self) -> str:
        """In words."""
        return {
            Status.CONVERGED: "converged",
            Status.SPENT: "spent all its iterations",
            Status.REFUSED: "was refused, for the energy would have risen",
            Status.NOT_PER_PIXEL: "has a term declared PerPixel() whose residual depends on other pixels",
            Status.NOT_FINITE: "is not finite",
        }[self]
