"""A flow from elsewhere, here OpenCV's DeepFlow (Weinzaepfel et al. 2013), to start from."""

import cv2
import jax.numpy as jnp
import numpy as np

import gvd_jax as gvd
from experiments.gallery.pictures import Pictures, Size, compare, draw, shaken


def deep_flow(frames: np.ndarray) -> np.ndarray:
    """The flow of frames [T, H, W, 3] to the next and the previous one, [T, 2, H, W, 2]."""
    gray, method = (255 * frames.mean(-1)).astype(np.uint8), cv2.optflow.createOptFlow_DeepFlow()
    flow = np.zeros((len(frames), 2, *frames.shape[1:3], 2), np.float32)
    for k in range(len(frames) - 1):
        flow[k, 0] = method.calc(gray[k], gray[k + 1], flow[k, 0])
        flow[k + 1, 1] = method.calc(gray[k + 1], gray[k], flow[k + 1, 1])
    return flow


def pictures(size: Size) -> Pictures:
    clip, fast = shaken(size, motion=14.0), gvd.Config.fast()
    settings = {"own start": fast, "DeepFlow": fast.with_flow(jnp.asarray(deep_flow(clip.blurry)))}
    return compare(clip.blurry, clip.sharp, clip.duty_cycle, settings)


if __name__ == "__main__":
    draw("deep_flow", pictures)
