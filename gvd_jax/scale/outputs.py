"""Whether outputs can be written: asked before hours of computing, not after."""

from collections.abc import Sequence
from pathlib import Path

from gvd_jax.errors import InputError
from gvd_jax.video.places import check_free, check_output, real


def check_outputs(inputs: Sequence[Path], clips: Sequence[Path], folders: Sequence[Path], overwrite: bool) -> None:
    """Raise `InputError` unless the output `clips` and the `folders` of further files can be written without harm."""
    for clip in clips:
        check_output(clip, overwrite)
        for other in (*inputs, *folders, *(path for path in clips if path is not clip)):
            if real(other).is_relative_to(real(clip)):
                raise InputError(f"{other} is or lies inside {clip}, which is replaced whole; choose another place")
    for folder in folders:
        check_folder(folder, overwrite)
        if any(real(folder) in (real(path), real(path).parent) for path in inputs):
            raise InputError(f"{folder} holds the input; choose another folder")


def check_folder(path: Path, overwrite: bool) -> None:
    """Raise `InputError` unless files may be written into the folder `path`."""
    if path.exists() and not path.is_dir():
        raise InputError(f"{path} is a file where a folder is needed; choose another name")
    check_free(path, overwrite)
