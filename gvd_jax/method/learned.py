"""Numbers learned from photographs in motion by experiments/learn_weights.py, and settings of them."""

import dataclasses
import json
from importlib.resources import files
from typing import Any

import jax.numpy as jnp
import numpy as np

from gvd_jax.convex.norms import HyperLaplacian
from gvd_jax.convex.pdhg import Steps
from gvd_jax.method.parts import Finish
from gvd_jax.solve.subproblem import BlockOptions
from gvd_jax.trees import pytree

FILE = files("gvd_jax.method") / "learned.json"
NORM = HyperLaplacian(0.7)


@pytree
class LearnedRounds:
    """Of every round: fields as of `Weights` and `Config`, and the dual steps of the latent frames."""

    data: Any
    temporal: Any
    latent_tv: Any
    flow_tv: Any
    brightness: Any
    structure: Any
    model_error: Any
    dual: tuple[Any, ...]


@pytree
class LearnedFinish:
    """Of the last solve: fields as of `Finish`, and the dual steps."""

    data: Any
    temporal: Any
    latent_tv: Any
    model_error: Any
    dual: tuple[Any, ...]
    filters: Any
    colour_filters: Any

    def settings(self, upper: Any) -> Finish:
        """As settings of the last solve, for display values up to `upper`."""
        # A norm that is not convex is majorised anew often. The numbers are learned for so many steps.
        steps = BlockOptions(Steps(self.dual, iterations=2), jnp.inf, 0.0, upper, linearisations=6)
        return Finish(
            self.data,
            self.temporal,
            self.latent_tv,
            self.model_error,
            steps,
            self.filters,
            self.colour_filters,
            NORM,
        )


def read_learned() -> tuple[LearnedRounds, LearnedFinish]:
    """What ships with the package."""
    numbers = json.loads(FILE.read_text())
    rounds, finish = numbers["rounds"], numbers["finish"]
    filters = {name: np.array(finish[name], np.float32) for name in ("filters", "colour_filters")}
    return (
        LearnedRounds(**rounds | {"dual": tuple(rounds["dual"])}),
        LearnedFinish(**finish | {"dual": tuple(finish["dual"])} | filters),
    )


def learned_json(rounds: LearnedRounds, finish: LearnedFinish) -> str:
    """The file that `read_learned` reads, numbers to four digits."""

    def plain(numbers: Any) -> Any:
        return [plain(x) for x in numbers] if np.ndim(numbers) else float(f"{float(numbers):.4g}")

    parts = {"rounds": dataclasses.asdict(rounds), "finish": dataclasses.asdict(finish)}
    return json.dumps({part: {k: plain(v) for k, v in own.items()} for part, own in parts.items()}, indent=1) + "\n"
