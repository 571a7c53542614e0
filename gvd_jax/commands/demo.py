"""gvd-jax demo"""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from tyro.conf import Positional, arg

from gvd_jax.commands import options


@dataclass(frozen=True)
class Demo:
    """Blur a clip made of photographs, restore it, and compare with the truth."""

    output: Annotated[Path, Positional, arg(metavar="[OUT]")] = Path("gvd-jax-demo")
    """folder for blurry.mp4, restored.mp4, before_after.png and maps/"""
    preset: options.Preset = "default"
    seed: int = 0
    """another one is another motion"""
    overwrite: options.Overwrite = False
    """write over outputs that exist"""

    def run(self) -> None:
        """Check the output, then compute."""
        from gvd_jax.scale.outputs import check_folder

        check_folder(self.output, self.overwrite)  # before what draws is loaded, which takes a second

        from gvd_jax.commands.programs import keep_programs
        from gvd_jax.commands.progress_bar import progress_bar
        from gvd_jax.method import deblur as method_deblur
        from gvd_jax.method.config import Config
        from gvd_jax.scale.maps import write_maps
        from gvd_jax.video.read_write import write_video
        from gvd_jax.video.synthesize import demo_clip
        from gvd_jax.view.colour import largest_defocus, largest_motion
        from gvd_jax.view.figures import before_after, save

        keep_programs()
        clip = demo_clip(self.seed)
        with progress_bar() as hooks:
            result = method_deblur.deblur(clip.blurry, "auto", getattr(Config, self.preset)(), hooks=hooks)
        write_video(self.output / "blurry.mp4", clip.blurry, overwrite=self.overwrite)
        write_video(self.output / "restored.mp4", result.latent, overwrite=self.overwrite)
        full = largest_motion(result.flow), largest_defocus(result.defocus)
        write_maps(self.output / "maps", result.flow, result.defocus, *full)
        middle = len(clip.blurry) // 2
        pictures = {"blurry": clip.blurry, "restored": result.latent, "truth": clip.sharp}
        save(
            before_after({name: frames[middle] for name, frames in pictures.items()}), self.output / "before_after.png"
        )
        _print_scores(clip, result)
        print(f"see {self.output / 'before_after.png'}, {self.output / 'restored.mp4'} and {self.output / 'maps'}")


def _print_scores(clip: Any, result: Any) -> None:
    import numpy as np

    from gvd_jax import metrics

    for name, frames in (("blurry", clip.blurry), ("restored", result.latent)):
        psnr, ssim = metrics.psnr(frames, clip.sharp).mean(), metrics.ssim(frames, clip.sharp).mean()
        print(f"{name:9} PSNR {psnr:5.2f} dB  SSIM {ssim:.3f}")
    error = metrics.end_point_error(result.flow, clip.flow, clip.visible)
    print(f"flow end-point error {error:.2f} px where visible")
    tau, error = np.mean(result.duty_cycle), result.camera.duty_cycle_error
    print(f"duty cycle {tau:.3f} +- {error:.3f} found, {clip.duty_cycle:.3f} true")
