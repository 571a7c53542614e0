"""The blur model B = K G L of Eqs. (2)-(4): defocus first, motion second, both in linear light."""

from gvd_jax.ops.defocus_blur import SCALES, defocus_blur
from gvd_jax.ops.exposure import Path, quadratic_path
from gvd_jax.ops.motion_blur import motion_blur
from gvd_jax.ops.transfer import NONE, Transfer
from gvd_jax.shapes import DefocusMap, DutyCycle, Flow, Frames
from gvd_jax.trees import pytree, static


@pytree
class BlurModel:
    """Which path the motion takes, how finely it is sampled, and the scales of the defocus (none: no defocus).

    `transfer` leads from the display values of frames to the light that adds up; the paper has none.
    """

    path: Path = static(default=quadratic_path)
    samples: int = static(default=8)  # per side; one per 1.8 pixels of tau |u|
    scales: tuple[float, ...] = static(default=SCALES)
    transfer: Transfer = static(default=NONE)

    def __call__(self, latent: Frames, flow: Flow, defocus: DefocusMap, duty_cycle: DutyCycle) -> Frames:
        """K(tau, u) G(sigma) L, in linear light."""
        light = defocus_blur(self.scales, self.transfer.to_linear(latent), defocus)
        return motion_blur(self.path, self.samples, light, flow, duty_cycle)
