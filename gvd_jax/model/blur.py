"""The blur model B = K G L of Eqs. (2)-(4): defocus first, motion second."""

from gvd_jax.ops.defocus_blur import SCALES, defocus_blur
from gvd_jax.ops.exposure import Path, quadratic_path
from gvd_jax.ops.motion_blur import motion_blur
from gvd_jax.shapes import DefocusMap, DutyCycle, Flow, Frames
from gvd_jax.trees import pytree, static


@pytree
class BlurModel:
    """Which path the motion takes, how finely it is sampled, and the scales of the defocus (none: no defocus)."""

    path: Path = static(default=quadratic_path)
    samples: int = static(default=8)  # per side; one per 1.8 pixels of tau |u|
    scales: tuple[float, ...] = static(default=SCALES)

    def __call__(self, latent: Frames, flow: Flow, defocus: DefocusMap, duty_cycle: DutyCycle) -> Frames:
        """K(tau, u) G(sigma) L."""
        return motion_blur(self.path, self.samples, defocus_blur(self.scales, latent, defocus), flow, duty_cycle)
