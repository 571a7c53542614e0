"""Which machine programs are for."""

import jax


def on_cpu() -> bool:
    """Whether JAX runs on a CPU by default: operators choose their way by it when they are traced.

    Every way is right everywhere, so a program for another device is only slower. `jax.lax.platform_dependent` would
    know that device, but traces all ways.
    """
    return jax.default_backend() == "cpu"
