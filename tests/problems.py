"""Small random clips, the same in every run."""

import jax.numpy as jnp
import numpy as np

from gvd_jax.model.observation import observe
from gvd_jax.model.unknowns import Unknowns
from gvd_jax.trees import replace

SHAPES = [(3, 9, 11, 2), (2, 1, 5, 1), (2, 6, 1, 3)]
DTYPES = {"float32": 1e-5, "float64": 1e-10}  # and the tolerance that goes with it

# Path, forward and backward flow, and the row of the kernel at tau = 1/2 with two samples per side, by offset.
TAPS = [
    # One-sided motion to the right: position x has seen the pixels on its left, once each, and itself.
    ("linear", (4, 0), (0, 0), {0: 0.5 + 0.125, -1: 0.25, -2: 0.125}),
    ("linear", (0, 0), (4, 0), {0: 0.5 + 0.125, -1: 0.25, -2: 0.125}),
    ("linear", (-4, 0), (4, 0), {2: 0.125, 1: 0.25, 0: 0.25, -1: 0.25, -2: 0.125}),
    ("quadratic", (4, 0), (-4, 0), {2: 0.125, 1: 0.25, 0: 0.25, -1: 0.25, -2: 0.125}),
    # A point that turns round at mid-exposure: d(t) = 4 t^2, so 1/4 px at t = 1/4 and 1 px at t = 1/2.
    ("quadratic", (4, 0), (4, 0), {0: 0.25 + 0.5 * 0.75, -1: 0.5 * 0.25 + 0.25}),
]


def random_clip(shape=(3, 9, 11, 2), dtype="float64", motion=2.0, seed=0, blur=None):
    """Unknowns and an observation of `shape` [T, H, W, C]: flow far beyond the border, defocus over all scales."""
    rng = np.random.default_rng(seed)
    frames, height, width, _ = shape

    def array(values):
        return jnp.asarray(values, dtype)

    unknowns = Unknowns(
        latent=array(rng.uniform(size=shape)),
        flow=array(motion * rng.standard_normal((frames, 2, height, width, 2))),
        defocus=array(rng.uniform(0, 3.2, shape[:3])),
    )
    observation = observe(array(rng.uniform(size=shape)), array(rng.uniform(0.1, 0.5, frames)), blur)
    return unknowns, replace(
        observation,
        edge_map=array(rng.uniform(0.1, 1, shape[:3])),
        visibility=observation.visibility * array(rng.uniform(size=observation.visibility.shape)),
    )


def translating(velocity):
    """A smooth pattern [3, 15, 17, 1] in translation and its flow, float64."""
    t, y, x = np.mgrid[:3, :15, :17].astype(float)
    u, v = x - velocity[0] * t, y - velocity[1] * t
    pattern = 0.5 + 0.2 * np.sin(0.5 * u) * np.cos(0.4 * v) + 0.1 * np.cos(0.3 * u + 0.7 * v)
    flow = np.zeros((3, 2, 15, 17, 2))
    flow[:, 0], flow[:, 1] = velocity, np.negative(velocity)
    return jnp.asarray(pattern[..., None]), jnp.asarray(flow)


def point_spread(blur):
    """What a `blur` of frames [1, 33, 33, 1] makes of a point in their middle, [33, 33]."""
    return np.asarray(blur(jnp.zeros((1, 33, 33, 1)).at[0, 16, 16].set(1))[0, ..., 0])


def moments(kernel):
    """Sum, means, covariance and variances of a point spread, about its middle."""
    y, x = np.mgrid[-16:17, -16:17]
    return [(kernel * m).sum() for m in (1, x, y, x * y, x**2, y**2)]
