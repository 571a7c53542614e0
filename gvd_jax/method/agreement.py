"""Do no harm: where restored neighbours do not show the same, or a restored frame does not explain the blurry one, it
goes back towards that."""

import jax
import jax.numpy as jnp

from gvd_jax.method.boundaries import WINDOW
from gvd_jax.method.data_weight import REGION, codec_variance
from gvd_jax.method.noise import noise_level
from gvd_jax.method.occlusion import inside
from gvd_jax.ops.filters import box_mean
from gvd_jax.ops.warp import warp
from gvd_jax.shapes import Array, Bool, Continues, Float, Flow, Frames, Number
from gvd_jax.trees import pytree

# Of the squared change: a neighbour that differs by more shows something else. Then the restored frame keeps to the
# range of the blurry one in a window of so many pixels a side, and a part of it beyond.
ALONE, NEARBY, BEYOND = 0.5, 5, 0.1
UNASKED = 1e3  # times the squared change: who cannot be asked shows something else
# Of the regions that change by so much, display values, more than this part is missed in so many: a frame that is not
# what the model says in the first is not in any. In clips that it explains that is .02 to .26 of a frame, beside lamps
# and where people cross .43; of letters, halves that are sharp, stickers and mixed frames .35 to 1.
CHANGED, DOUBTED, FEW, MANY = 3 / 255, 0.15, 0.15, 0.3
# Times the squared error that a codec says, and that the model usually leaves where it does not: 1.03 to 1.29 dB with
# 1 and 4 of the first on H.264, 1.36 to 1.41 with 1 and 2 of the second on H.265, a photograph that nothing reports.
OF_SAID, OF_USUAL = 4.0, 2.0
LEAST = 1e-3  # of a weight: of frames that show nothing
SEEN = 0.5  # of the change in a region: so much a neighbour should show


@pytree
class Missed:
    """Of the squared change, so much the restored frame, blurred again, may miss of the blurry one: half of it for
    nothing, and where it is all nothing of the change is left. In a window of 5x5 pixels; in a `region` of 15x15, for
    one that is missed as a whole was not blurred as the model says; and in a region of a frame of which many are."""

    window: Number = 0.5
    region: Number = 0.75
    region_of_many: Number = 0.25


def beyond_codec(
    residual: Float[Array, "T H W"], trust: Float[Array, "T H W"], unsaid: Float[Array, "T"]
) -> Float[Array, "T H W"]:
    """What of a `squared_residual` no codec has lost; `trust` and `unsaid` as those of `Problem`."""
    said = OF_SAID * codec_variance(jnp.maximum(trust.max((1, 2)), LEAST))
    usual = OF_USUAL * jnp.median(box_mean(residual, REGION), (1, 2))
    return residual - jnp.where(trust > 0, jnp.where(unsaid > 0, usual, said)[:, None, None], 0)


def blend_by_agreement(
    blurry: Frames,
    latent: Frames,
    left: Float[Array, "T H W"],
    flow: Flow,
    continues: Continues,
    shown: Bool[Array, "T H W"],
    sharp: Bool[Array, "T H W"],
    tolerance: Number,
    missed: Missed,
) -> Frames:
    """blurry + a (latent - blurry), with a in [0, 1] for each window of 5x5 pixels. Display values, [T, H, W, C].

    An error e of the restoration differs from frame to frame, what is there does not: two frames along the flow differ
    by 2 |e|^2 on average, and the best a (James and Stein 1961) is 1 - |e|^2 / |latent - blurry|^2. The neighbour that
    agrees more counts, for a flow may be wrong, or the point hidden, on one side only. Frames may differ by `tolerance`
    |latent - blurry|^2, and by the noise of the blurry ones, all the same.

    The latent frames, blurred again, should be the blurry ones: `left`, the squared residual, may be as much as the
    noise and `missed` allow. So comes back what was never blurred although it moves, as letters that run through a
    picture, and what two frames were mixed of.

    Of what changes in a region at least half should be seen in a neighbour as well; of less a is so much smaller, and 0
    of nothing: what is in one frame only, as a drop of rain, has no blur that is known.

    Where no neighbour shows the same at all, the latent frame keeps to the range of the blurry one nearby: stripes of a
    motion that is none are brighter and darker than all around.
    """
    known = inside(flow, continues, (1,)) > 0
    views = warp(latent, flow, 1)
    seen = jnp.clip(_seen_by_neighbours(blurry, latent, views, known) / SEEN, 0, 1)
    change, disagreement = _disagreement(blurry, latent, views, known, others=UNASKED)
    latent = jnp.where((disagreement > ALONE * change)[..., None], _within_range(latent, blurry), latent)
    change, disagreement = _disagreement(blurry, latent, warp(latent, flow, 1), known, others=1.0)
    own_change = jnp.where(shown, jnp.square(latent - blurry).mean(-1), 0)
    noise = jnp.square(jax.vmap(noise_level, in_axes=(-1, None))(blurry, continues)).mean(0)[:, None, None]

    def of_change(x, change):
        changed = change > jnp.finfo(change.dtype).tiny ** 0.5  # of less no quotient has a derivative
        return jnp.where(changed, (x - noise) / jnp.where(changed, change, 1), 0)

    def missed_in(window):
        return of_change(box_mean(left, window), box_mean(own_change, window))

    in_window, in_region = missed_in(WINDOW), missed_in(REGION)
    changed = box_mean(own_change, REGION) > CHANGED**2
    doubted = (changed & (in_region > DOUBTED)).sum((1, 2)) / jnp.maximum(changed.sum((1, 2)), 1)
    doubt = jnp.clip((doubted - FEW) / (MANY - FEW), 0, 1).astype(blurry.dtype)[:, None, None]
    of_region = missed.region + doubt * (missed.region_of_many - missed.region)
    explains = 2 * (1 - jnp.maximum(in_window / missed.window, in_region / of_region))

    agrees = 1 - jnp.maximum(of_change(disagreement, change) - tolerance, 0) / 2
    share = seen * jnp.clip(jnp.minimum(agrees, explains), 0, 1)
    share = jnp.where(sharp, 0, share)
    return blurry + share[..., None] * (latent - blurry)


def _disagreement(
    blurry: Frames, latent: Frames, views: Array, known: Array, others: Number
) -> tuple[Float[Array, "T H W"], Float[Array, "T H W"]]:
    """How much the restoration has changed, and by how much it differs from the neighbour that agrees more, squared;
    `views` [T, 2, H, W, C] are what both show there, and who cannot be asked differs by `others` times the change."""
    change = jnp.square(latent - blurry).mean(-1)
    difference = jnp.square(latent[:, None] - views).mean(-1)
    least = jnp.where(known, difference, others * change[:, None]).min(1)
    return box_mean(change, WINDOW), box_mean(least, WINDOW)


def _seen_by_neighbours(blurry: Frames, latent: Frames, views: Array, known: Array) -> Float[Array, "T H W"]:
    """The a with which blurry + a (latent - blurry) is nearest to a neighbour's view in a region, by squares: that of
    the one which shows more of the change; 1 where none can be asked."""
    change = latent - blurry
    shown = ((views - blurry[:, None]) * change[:, None]).mean(-1)
    whole = jnp.where(known, jnp.square(change).mean(-1)[:, None], 0)
    shown, whole = (box_mean(jnp.moveaxis(x, 1, -1), REGION) for x in (jnp.where(known, shown, 0), whole))
    changed = whole > jnp.finfo(change.dtype).tiny ** 0.5
    share = jnp.where(changed, shown / jnp.where(changed, whole, 1), -jnp.inf)
    return jnp.where(changed.any(-1), share.max(-1), 1)


def _within_range(latent: Frames, blurry: Frames) -> Frames:
    """The latent frames within what the blurry ones show nearby, and a bit beyond."""
    around, strides = (1, NEARBY, NEARBY, 1), (1, 1, 1, 1)
    least = jax.lax.reduce_window(blurry, jnp.inf, jax.lax.min, around, strides, "SAME")
    most = jax.lax.reduce_window(blurry, -jnp.inf, jax.lax.max, around, strides, "SAME")
    beyond = BEYOND * (most - least)
    return jnp.clip(latent, least - beyond, most + beyond)
