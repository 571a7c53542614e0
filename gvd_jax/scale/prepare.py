"""What is found out of a clip before its windows are restored, as JSON: a run that goes on takes it as it was."""

import dataclasses
from typing import Any, Literal

from gvd_jax.method.config import Config
from gvd_jax.scale.layout import LONGEST, Budget, Layout, lay_out
from gvd_jax.scale.spans import Span
from gvd_jax.scale.survey import Read, Survey, take_survey


def prepare(
    read: Read,
    shape: tuple[int, int, int],
    duty_cycle: float | Literal["auto"],
    config: Config,
    budget: Budget,
) -> tuple[Survey, Layout]:
    """Of a clip of (T, H, W). One that fits into memory as a whole is one block, and `deblur` finds out the rest."""
    count, height, width = shape
    if count <= LONGEST and budget.need(count, count, (height, width), (height, width)) <= budget.total:
        return Survey(duty_cycle), lay_out(*shape, 0.0, budget)
    lay_out(*shape, 0.0, budget)  # complains before the survey, which takes a while
    survey = take_survey(read, count, duty_cycle, config)
    return survey, lay_out(*shape, survey.blur, budget)


def to_json(survey: Survey, layout: Layout) -> dict[str, Any]:
    """Plain values."""
    return {"survey": dataclasses.asdict(survey), "layout": dataclasses.asdict(layout)}


def from_json(found: dict[str, Any]) -> tuple[Survey, Layout]:
    """The inverse of `to_json`."""
    spans = {axis: tuple(Span(**span) for span in own) for axis, own in found["layout"].items()}
    return Survey(**found["survey"]), Layout(**spans)
