"""The defocus, read off the edges of frames that were restored without it.

Eq. (8) cannot find it: whatever (L, sigma) explains the blurry frames, (G(sigma) L, 0) explains as well, and for less
total variation. But in focus the sharpest edges around a place are as sharp as a camera draws them, and out of focus
none is. Restored with G the identity, the latent frames are free of motion blur and still defocused: there the edges
say how much (Zhuo and Sim, "Defocus map estimation from a single image", 2011).
"""

import jax
import jax.numpy as jnp

from gvd_jax.ops.filters import BINOMIAL, central_gradient, correlate_both
from gvd_jax.ops.gaussian_defocus import discrete_gaussian
from gvd_jax.ops.resize import resize_map
from gvd_jax.ops.warp import mean_of_shots
from gvd_jax.shapes import Array, Continues, DefocusMap, Float, Number

REBLUR = discrete_gaussian(1.0, 4)  # of variance 1
NARROWEST, WIDEST, INTERVALS = 0.5, 3.0, 11  # pixels; the quantile is interpolated within an interval
TILE = 16  # pixels
FAINTEST = 1e-6  # strength: a fainter edge is none
WHOLE_FRAME = 1.0  # of the mean strength of edges joins those of a place: where there are few, the frame decides
# Pixels. A smaller defocus is none, one that is larger than the other is believed: what is sharp is to stay as it is.
SMALLEST, BELIEVED = 0.9, 1.2
# Of the places of a shot, the sharpest; where these are softer than so many pixels, nothing is in focus.
SHARPEST, SOFTEST = 0.05, 1.2
RARE = 0.02  # of the places: a defocus that fewer have is none, and the clip is spared the time of G
QUANTISATION = 1 / 255 / 12**0.5  # the noise of 8 bits
NOISE = 0.3  # of the standard deviation of the noise, as strength of sharp edges: weak ones prove no defocus


def edge_width(frames: Float[Array, "T H W 1"]) -> tuple[Float[Array, "T H W"], Float[Array, "T H W"]]:
    """Width of the edge at every pixel, as the standard deviation of a blurred step [px], and its strength.

    A step of width s is flattened by a Gaussian of variance 1 by the ratio of gradients sqrt(1 + 1 / s^2).
    """
    before = jnp.square(central_gradient(frames)).sum(-1)
    after = jnp.square(central_gradient(correlate_both(frames, REBLUR))).sum(-1)
    after = jnp.maximum(after, FAINTEST**2)
    return jax.lax.rsqrt(jnp.maximum(before / after - 1, 0.5 / WIDEST**2)), jnp.sqrt(after)


def defocus_from_edges(
    latent: Float[Array, "T H W 1"],
    continues: Continues,
    noise: Float[Array, "T"],
    quantile: Number,
    focused: Number,
    gain: Number,
) -> DefocusMap:
    """sigma = gain sqrt(width^2 - focused^2) [px], width the `quantile` of those around a place, by strength.

    The sharpest edges count, for an object may have soft ones in focus. `focused` is the least width of a quantile of
    edges in focus; a lens, a codec or an enlargement may draw the sharpest places of a shot somewhat softer, and what
    is no softer than those is in focus. `gain` makes up for texture, whose edges stand too close together to look as
    wide as they are. `noise` [T] is that of the blurry frames, `continues` [T] is 0 before a cut.
    """
    _, height, width, _ = latent.shape
    rows, columns = max(1, height // TILE), max(1, width // TILE)

    def around(x):
        x = correlate_both(resize_map(x, rows, columns), BINOMIAL)
        return x + WHOLE_FRAME * x.mean((1, 2), keepdims=True) + NOISE * jnp.maximum(noise, QUANTISATION)[:, None, None]

    widths, strength = edge_width(latent)
    spacing = (WIDEST - NARROWEST) / INTERVALS
    total = around(strength)

    def share_below(limit):
        return around(strength * jnp.clip((limit - widths) / spacing + 0.5, 0, 1)) / total

    shares = jax.lax.map(share_below, jnp.linspace(NARROWEST, WIDEST, INTERVALS + 1, dtype=latent.dtype))
    # Where the shares, which rise with the width, pass the quantile: each interval adds the part that lies below.
    rise = jnp.maximum(shares[1:] - shares[:-1], 1e-6)
    local = NARROWEST + spacing * jnp.clip((quantile - shares[:-1]) / rise, 0, 1).sum(0)
    own = mean_of_shots(jnp.quantile(local, SHARPEST, axis=(1, 2)), continues)[:, None, None]
    focused = jnp.where(own > SOFTEST, focused, jnp.maximum(own, focused))
    excess = jnp.maximum(local * local - focused * focused, 0)
    # sqrt has no derivative at 0.
    defocus = gain * jnp.where(excess > 0, jnp.sqrt(jnp.where(excess > 0, excess, 1.0)), 0.0)
    defocus = defocus * jnp.clip((defocus - SMALLEST) / (BELIEVED - SMALLEST), 0, 1)
    share = mean_of_shots((defocus > 0).astype(defocus.dtype).mean((1, 2)), continues)
    return jnp.where((share < RARE)[:, None, None], 0.0, resize_map(defocus, height, width))
