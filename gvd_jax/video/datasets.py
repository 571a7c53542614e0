"""Public benchmarks, as their authors pack them: blurry and sharp pairs (GoPro), frames with flow (Sintel, KITTI)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from gvd_jax.errors import InputError
from gvd_jax.shapes import HostArray
from gvd_jax.video.flow_files import read_flow
from gvd_jax.video.read_write import read_video


@dataclass(frozen=True)
class FlowClip:
    """Frames and the flow to the next one, float32 [T, H, W, 3] in [0, 1] and [T - 1, H, W, 2] in pixels (x, y)."""

    frames: HostArray
    flow: HostArray
    known: HostArray  # bool [T - 1, H, W]: the flow is valid and the next frame shows the point


def read_gopro(
    folder: str | Path, blurry: Literal["blur", "blur_gamma"] = "blur", frames: slice | None = None
) -> tuple[HostArray, HostArray]:
    """Blurry and sharp frames, float32 [T, H, W, 3] in [0, 1], of a sequence of the GoPro set (Nah et al. 2017).

    `folder` holds `sharp/` and `blur/`, averaged as the camera stores it, or `blur_gamma/`, in linear light (gamma
    2.2). Raises `InputError` if one is missing or their names or sizes differ.
    """
    pair = [read_video(Path(folder) / name, frames) for name in (blurry, "sharp")]
    if pair[0].names != pair[1].names or pair[0].frames.shape != pair[1].frames.shape:
        raise InputError(f"{blurry}/ and sharp/ of {folder} differ in names or sizes; give a whole GoPro sequence")
    return pair[0].frames, pair[1].frames


def read_sintel(
    root: str | Path,
    scene: str,
    kind: Literal["clean", "final", "albedo"] = "clean",
    frames: slice | None = None,
) -> FlowClip:
    """A scene such as "alley_1" of the training set of MPI Sintel (Butler et al. 2012).

    `root` holds `clean/`, `final/`, `flow/` and, where they were fetched, `occlusions/` and `invalid/`, each with a
    folder per scene. "clean" and "albedo" are free of the renderer's blur. Raises `InputError` for what is missing.
    """
    root = Path(root)
    clip = read_video(root / kind / scene, frames)
    stems = [Path(name).stem for name in clip.names[:-1]]
    flow = [read_flow(root / "flow" / scene / f"{stem}.flo") for stem in stems]
    if any(f.shape[:2] != clip.frames.shape[1:3] for f in flow):
        raise InputError(f"the flow of {scene} has another size than its frames; fetch the scene anew")
    flow = np.stack(flow) if flow else np.zeros((0, *clip.frames.shape[1:3], 2), np.float32)
    known = np.ones(flow.shape[:3], bool)
    for masks in ("occlusions", "invalid"):
        if flow.size and (root / masks / scene).is_dir():
            start = 0 if frames is None else frames.start or 0
            mask = read_video(root / masks / scene, slice(start, start + len(flow)))
            known &= mask.frames.max(-1) < 0.5
    return FlowClip(clip.frames, flow, known)


def read_kitti_flow(path: str | Path) -> tuple[HostArray, HostArray]:
    """A flow map of KITTI (Geiger et al. 2012): float32 [H, W, 2], pixels (x, y), 0 where unknown; and bool [H, W].

    It is a 16-bit PNG, 64 u + 32768 in red and green, and in blue whether it is known. Raises `InputError` otherwise.
    """
    from gvd_jax.video import codec

    try:
        image, depth = codec.read_image(Path(path))
    except codec.UNREADABLE as error:
        raise InputError(f"cannot read {path}: {error}; give a flow map of KITTI, a 16-bit PNG") from error
    if depth != 16 or image.shape[-1] != 3:
        raise InputError(f"{path} is no flow map of KITTI: that is a 16-bit PNG of three channels")
    known = image[..., 2] > 0
    flow = (image[..., :2].astype(np.float32) - 2**15) / 64
    return np.where(known[..., None], flow, np.float32(0)), known
