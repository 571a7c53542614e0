"""What is found out of a clip before its windows are restored, as JSON: a run that goes on takes it as it was."""

import dataclasses
from typing import Any

from gvd_jax.method.config import Config
from gvd_jax.method.timeline import Timeline
from gvd_jax.scale.layout import Budget, Layout, lay_out
from gvd_jax.scale.spans import Span
from gvd_jax.scale.survey import Read, Survey, take_survey


def prepare(
    read: Read,
    known: Survey,
    size: tuple[int, int],
    config: Config,
    budget: Budget,
) -> tuple[Survey, Layout]:
    """Of a clip of (H, W), whose distinct pictures are `known`, and `read` gives them.

    One that fits into memory as a whole is one block, and `restore_block` finds out the rest.
    """
    assert known.timeline is not None
    shape = known.timeline.pictures, *size
    if budget.holds(*shape):
        return known, lay_out(*shape, 0.0, budget)
    lay_out(*shape, 0.0, budget)  # complains before the survey, which takes a while
    survey = take_survey(read, known.timeline.pictures, known.duty_cycle, config, known)
    return survey, lay_out(*shape, survey.blur, budget)


def to_json(survey: Survey, layout: Layout) -> dict[str, Any]:
    """Plain values."""
    return {"survey": dataclasses.asdict(survey), "layout": dataclasses.asdict(layout)}


def from_json(found: dict[str, Any]) -> tuple[Survey, Layout]:
    """The inverse of `to_json`."""
    spans = {axis: tuple(Span(**span) for span in own) for axis, own in found["layout"].items()}
    own = found["survey"]["timeline"]
    timeline = own and Timeline(own["count"], tuple(own["starts"]), tuple(own["continues"]))
    known = {"timeline": timeline, "codec_errors": tuple(found["survey"]["codec_errors"])}
    return Survey(**found["survey"] | known), Layout(**spans)
