"""Which machine programs are for, and how arrays get there."""

from typing import Any

import jax
import numpy as np


def on_cpu() -> bool:
    """Whether JAX runs on a CPU by default: operators choose their way by it when they are traced.

    Every way is right everywhere, so a program for another device is only slower. `jax.lax.platform_dependent` would
    know that device, but traces all ways.
    """
    return jax.default_backend() == "cpu"


def placed(values: Any, dtype: Any = None) -> jax.Array:
    """Numbers, or an array of NumPy, as an array of JAX; no program is made for it, as `jnp.asarray` does for every
    shape in every process."""
    return jax.device_put(np.asarray(values, dtype))
