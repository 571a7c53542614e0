"""What is known per frame, for the distinct pictures of a clip."""

import jax.numpy as jnp
import numpy as np

from gvd_jax.method.config import Config
from gvd_jax.method.timeline import Timeline
from gvd_jax.model.axes import change_held
from gvd_jax.shapes import Array, Float, Flow, Frames


def frames_of(frames: Frames, timeline: Timeline) -> Float[Array, "pictures H W C"]:
    """The distinct pictures of frames [T, H, W, C]."""
    return frames if timeline.pictures == timeline.count else frames[np.array(timeline.starts)]


def pictures_of(config: Config, timeline: Timeline) -> Config:
    """Settings for the pictures: what they hold per frame is that of the first frame that shows each."""
    if timeline.pictures == timeline.count:
        return config
    return change_held(config, lambda how, x: how.of_frames(jnp.asarray(x), np.array(timeline.starts)))


def between_pictures(flow: Flow, timeline: Timeline) -> Flow:
    """The flow of frames from the last one that shows a picture on, and from the first one back."""
    starts = np.array(timeline.starts)
    return jnp.stack([flow[starts + timeline.shown - 1, 0], flow[starts, 1]], 1)
