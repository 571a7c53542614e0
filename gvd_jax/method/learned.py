"""Numbers learned from photographs in motion by experiments/learn_weights.py."""

import dataclasses
import json
from importlib.resources import files
from typing import Any

import jax
import numpy as np

from gvd_jax.shapes import Array, HostArray, Number
from gvd_jax.trees import pytree

FILE = files("gvd_jax.method") / "learned.json"
WEIGHED = ("data", "temporal", "temporal_far", "latent_tv", "flow_tv", "brightness", "structure")
DUAL = ("latent_tv", "temporal", "temporal_far")


@pytree
class LearnedRounds:
    """Of every round, by the names of terms: weights, and the dual steps of the latent frames."""

    weights: dict[str, Number]
    dual: dict[str, Number]
    model_error: Number


@pytree
class LearnedFinish:
    """Of the last solve: the same, and the filters [K, h, w] of experts, of a channel and of how it differs from gray.

    Filters that are None are left out.
    """

    weights: dict[str, Number]
    dual: dict[str, Number]
    model_error: Number
    filters: Array | HostArray | None
    colour_filters: Array | HostArray | None


def read_learned() -> tuple[LearnedRounds, LearnedFinish]:
    """What ships with the package."""
    numbers = json.loads(FILE.read_text())
    filters = {name: np.array(numbers["finish"][name], np.float32) for name in ("filters", "colour_filters")}
    return LearnedRounds(**numbers["rounds"]), LearnedFinish(**numbers["finish"] | filters)


def learned_json(rounds: LearnedRounds, finish: LearnedFinish) -> str:
    """The file that `read_learned` reads, numbers to four digits."""

    def plain(numbers: Any) -> Any:
        return [plain(x) for x in numbers] if np.ndim(numbers) else float(f"{float(numbers):.4g}")

    parts = {"rounds": dataclasses.asdict(rounds), "finish": dataclasses.asdict(finish)}
    return json.dumps(jax.tree.map(plain, parts), indent=1) + "\n"
