"""Wulff and Black 2014 [16]: "Modeling blurred video with layers".

Faithful: two layers with an affine motion each, in front and behind; the blurry frame is K_f(a F) + (1 - K_f a) K_b R,
so that blur mixes the layers at their boundary; appearances and matte minimise its error with total variation, by
gradient descent. Other than the authors': every frame is solved by itself, where they join the frames of a sequence;
the motions are fitted to the flow of the blurry frames and then kept, where they are part of the descent; the front
layer is simply the one that touches the border of the frame less.
"""

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import optax
from scipy.ndimage import binary_dilation, gaussian_filter, median_filter
from sklearn.cluster import KMeans

import gvd_jax as gvd
from experiments.baselines.homography import homography_flow
from experiments.subproblems import start_flow
from gvd_jax.shapes import Array, DutyCycle, Float, Flow, Frames, HostArray, Scalar

ROUNDS = 10  # of fits and segmentations in turn
OUTLIER = 1.0  # pixels: flow that is farther off than this counts less in a fit
FARTHEST = 5.0  # pixels: farther off is no worse, when a pixel is given to a layer
SMOOTHING = 2.0  # pixels: std of the Gaussian over the errors by which a pixel is given to a layer
MEDIAN = 9  # pixels: window of the filter that takes small pieces out of a segmentation
SOFTNESS = 1.0  # pixels: std of the Gaussian that makes a segmentation the first matte
STEPS = 60  # of Adam; three times as many gain 0.4 dB on average, 0.6 at most
RATE = 0.05  # display values: the first step, from which they fall to none
SMOOTHNESS = {"front": 2e-3, "back": 2e-3, "matte": 1e-2}  # of the total variation; the squared error counts 1
FLAT = 1e-3  # display values: smaller differences are smooth for the total variation

Layers = dict[str, Float[Array, "T H W _"]]  # "front" and "back" with C channels, "matte" with one


def layered_blur(layers: Layers, front: Flow, back: Flow, duty_cycle: DutyCycle, samples: int) -> Frames:
    """Blurry frames of two layers that move by the flows `front` and `back`: the generative model of [16].

    It takes the product of two means over the exposure for the mean of the product. `samples` are reads per
    side of the exposure.
    """
    sheet = jnp.concatenate([layers["matte"] * layers["front"], layers["matte"]], -1)
    blur, observation = gvd.MotionBlur(samples=samples), gvd.observe(sheet, duty_cycle)
    before = blur(sheet, gvd.Unknowns(flow=front), observation)
    behind = blur(layers["back"], gvd.Unknowns(flow=back), observation)
    return before[..., :-1] + (1 - before[..., -1:]) * behind


def composite(layers: Layers) -> Frames:
    """Latent frames: the front layer over the other."""
    return layers["matte"] * layers["front"] + (1 - layers["matte"]) * layers["back"]


def affine_layers(flow: HostArray) -> tuple[HostArray, HostArray]:
    """Two affine motions in the flow [2, H, W, 2] of one frame, and which pixels have the first.

    Fits and segmentation in turn, from clusters of the flow. Returns matrices [2, 2, 3, 3], front layer and back layer
    to the next frame and to the previous one, and the front layer, bool [H, W].
    """
    _, height, width, _ = flow.shape
    clusters = KMeans(2, n_init="auto", random_state=0).fit_predict(np.moveaxis(flow, 0, 2).reshape(-1, 4))
    front = clusters.reshape(height, width) == 1
    for _ in range(ROUNDS):
        matrices = np.stack([_fit(flow, front), _fit(flow, ~front)])
        errors = np.square(homography_flow(matrices, height, width) - flow).sum((1, -1))
        before, behind = (gaussian_filter(np.minimum(e, FARTHEST**2), SMOOTHING) for e in errors)
        nearer = before < behind
        if nearer.all() or not nearer.any():
            break
        front = nearer
    front = median_filter(front, MEDIAN)
    ring = binary_dilation(np.zeros_like(front), border_value=1)
    return (matrices[::-1], ~front) if front[ring].mean() > 0.5 else (matrices, front)


def _fit(flow: HostArray, layer: HostArray) -> HostArray:
    """Affine motions [2, 3, 3] to the flow [2, H, W, 2] in a `layer` [H, W], by reweighted least squares."""
    y, x = np.nonzero(layer)
    points = np.stack([x, y, np.ones_like(x)], -1).astype(float)
    wanted = np.moveaxis(flow[:, layer], 0, 1).reshape(len(x), 4) + points[:, [0, 1, 0, 1]]
    weight = np.ones((len(x), 1))
    for _ in range(5):
        fitted, *_ = np.linalg.lstsq(weight * points, weight * wanted, rcond=None)
        error = np.linalg.norm(points @ fitted - wanted, axis=-1, keepdims=True)
        weight = 1 / np.sqrt(np.maximum(error, OUTLIER))
    last = np.broadcast_to([[[0.0, 0, 1]]], (2, 1, 3))
    return np.concatenate([fitted.T.reshape(2, 2, 3), last], 1)


def _roughness(plane: Array) -> Scalar:
    y, x = jnp.diff(plane, axis=1)[:, :, :-1], jnp.diff(plane, axis=2)[:, :-1]
    return jnp.sqrt(x**2 + y**2 + FLAT**2).sum()


@partial(jax.jit, static_argnames="samples")
def separate(blurry: Frames, layers: Layers, front: Flow, back: Flow, duty_cycle: DutyCycle, samples: int) -> Layers:
    """The layers that explain the blurry frames best, from `layers`: Adam on the squared error and total variation."""
    descent = optax.adam(optax.cosine_decay_schedule(RATE, STEPS))

    def energy(layers: Layers) -> Scalar:
        error = jnp.square(layered_blur(layers, front, back, duty_cycle, samples) - blurry).sum()
        return error + sum(weight * _roughness(layers[name]) for name, weight in SMOOTHNESS.items())

    def step(_, state):
        layers, moments = state
        change, moments = descent.update(jax.grad(energy)(layers), moments)
        return jax.tree.map(lambda plane, by: jnp.clip(plane + by, 0, 1), layers, change), moments

    return jax.lax.fori_loop(0, STEPS, step, (layers, descent.init(layers)))[0]


def deblur(frames: HostArray, duty_cycle: float) -> tuple[HostArray, HostArray, HostArray]:
    """Latent frames [T, H, W, C], flow [T, 2, H, W, 2] in pixels per frame interval, and matte [T, H, W] in [0, 1].

    `frames` [T, H, W, C] display values in [0, 1], T >= 2; `duty_cycle` is tau = exposure / (2 frame interval).
    """
    blurry = jnp.asarray(frames, jnp.float32)
    count, height, width, _ = blurry.shape
    tau = jnp.full(count, duty_cycle, jnp.float32)
    flow = np.asarray(start_flow(blurry, gvd.Config.default()))
    found = [affine_layers(motion) for motion in flow]
    front, back = (jnp.asarray(homography_flow(np.stack([m[k] for m, _ in found]), height, width)) for k in (0, 1))
    matte = np.stack([gaussian_filter(layer.astype(np.float32), SOFTNESS) for _, layer in found])
    layers = {"front": blurry, "back": blurry, "matte": jnp.asarray(matte[..., None])}
    samples = max(gvd.samples_for(motion, tau) for motion in (front, back))
    layers = separate(blurry, layers, front, back, tau, samples)
    matte = np.asarray(layers["matte"][..., 0])
    flow = np.where(matte[:, None, ..., None] > 0.5, front, back)
    return np.asarray(composite(layers)), flow, matte
