"""Unknowns as they are declared, and arrays that are known per pixel or frame: shapes, planes, levels and parts."""

import copy
import pickle

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import gvd_jax as gvd
from gvd_jax.method.deblur import make_problem
from gvd_jax.method.problem import on_level
from gvd_jax.model.axes import Part, change_held, within

FRAMES, HEIGHT, WIDTH = 3, 4, 6
GRAY = jnp.full((FRAMES, HEIGHT, WIDTH, 1), 0.25)
# Axes, and the shape of an array of them; how many planes it has, and of which shape.
AXES = {
    "T H W C": ((3, 4, 6, 1), 1, (3, 4, 6)),
    "T 2 H W 2": ((3, 2, 4, 6, 2), 2, (3, 2, 4, 6)),
    "T H W": ((3, 4, 6), 1, (3, 4, 6)),
    "T 2": ((3, 2), 2, (3,)),
    "T H": ((3, 4), 1, (3, 4)),
    "H W 3": ((4, 6, 3), 3, (4, 6)),
    "2": ((2,), 2, ()),
    "": ((), 1, ()),
}
ON_HALF = {"T H W C": (3, 2, 3, 1), "T 2 H W 2": (3, 2, 2, 3, 2), "T H W": (3, 2, 3), "T 2": (3, 2), "T H": (3, 2)}
ON_HALF |= {"H W 3": (2, 3, 3), "2": (2,), "": ()}

pytestmark = pytest.mark.usefixtures("hurry")


@pytest.mark.parametrize("names", [(), ("flow",), ("latent", "duty_cycle"), ("b", "c", "a")], ids=str)
def test_any_set_of_unknowns_is_a_pytree(names):
    values = {name: jnp.full(k + 1, k + 1.0) for k, name in enumerate(names)}
    unknowns = gvd.Unknowns(**values)
    assert list(unknowns) == sorted(names)
    for name in names:
        assert getattr(unknowns, name) is unknowns[name] is values[name] and name in unknowns and name in dir(unknowns)
    backwards = gvd.Unknowns(**dict(reversed(values.items())))
    assert jax.tree.structure(backwards) == jax.tree.structure(unknowns)
    paths = [path for path, _ in jax.tree_util.tree_flatten_with_path(unknowns)[0]]
    assert [jax.tree_util.keystr(path) for path in paths] == [f".{name}" for name in sorted(names)]
    for same in (copy.deepcopy(unknowns), pickle.loads(pickle.dumps(unknowns)), jax.jit(lambda u: u)(unknowns)):
        assert list(same) == list(unknowns)
        jax.tree.map(np.testing.assert_array_equal, same, unknowns)


def test_replace_changes_and_adds_and_nothing_else_does():
    unknowns = gvd.Unknowns(latent=1.0, flow=2.0)
    changed = gvd.replace(unknowns, flow=3.0, gain=4.0)
    assert {name: changed[name] for name in changed} == {"flow": 3.0, "gain": 4.0, "latent": 1.0}
    assert list(unknowns) == ["flow", "latent"] and unknowns.flow == 2.0
    with pytest.raises(AttributeError, match="do not change"):
        unknowns.flow = 5.0


@pytest.mark.parametrize("ask", [getattr, lambda unknowns, name: unknowns[name]], ids=["attribute", "item"])
@pytest.mark.parametrize("unknowns", [gvd.Unknowns(), gvd.Unknowns(latent=1.0, flow=2.0)], ids=["none", "two"])
def test_an_unknown_that_is_missing_is_named(unknowns, ask):
    with pytest.raises(gvd.InputError, match=r"no unknown 'depth' here, only (none|flow, latent)") as caught:
        ask(unknowns, "depth")
    assert "\n" not in str(caught.value)
    assert "depth" not in unknowns and not hasattr(unknowns, "depth") and getattr(unknowns, "depth", 7) == 7


@pytest.mark.parametrize("axes", AXES)
def test_planes_go_there_and_back(axes, rng):
    shape, count, plane = AXES[axes]
    unknown, x = gvd.Unknown("own", axes), jnp.asarray(rng.normal(size=shape), jnp.float32)
    planes = unknown.to_planes(x)
    assert [part.shape for part in planes] == [plane] * count
    behind = np.asarray(x).reshape(*plane, count)
    for k, part in enumerate(planes):
        np.testing.assert_array_equal(part, behind[..., k])
    np.testing.assert_array_equal(unknown.from_planes(planes, x), x)
    assert unknown.per_frame == (axes[:1] == "T")


def test_colours_are_planes_of_the_latent_frames(rng):
    x = jnp.asarray(rng.normal(size=(3, 4, 6, 3)), jnp.float32)
    np.testing.assert_array_equal(jnp.stack(gvd.LATENT.to_planes(x), -1), x)
    np.testing.assert_array_equal(gvd.LATENT.from_planes(gvd.LATENT.to_planes(x), x), x)


@pytest.mark.parametrize("start", [0.25, lambda gray: gray.mean()], ids=["number", "function"])
@pytest.mark.parametrize("axes", AXES)
def test_it_starts_in_its_shape_and_comes_to_a_level(axes, start):
    unknown = gvd.Unknown("own", axes, start)
    first = unknown.first(GRAY)
    assert first.shape == AXES[axes][0] and first.dtype == GRAY.dtype
    half = unknown.to_level(first, axes, HEIGHT // 2, WIDTH // 2)
    assert half.shape == ON_HALF[axes]
    for value in (first, half):
        np.testing.assert_allclose(value, 0.25, rtol=1e-6)


def test_the_latent_frames_start_as_the_blurry_ones():
    np.testing.assert_array_equal(gvd.LATENT.first(GRAY), GRAY)


@pytest.mark.parametrize("axes", ["T 2", "T H", "H W 3", ""])
def test_an_unknown_of_any_axes_is_solved_for(axes, rng):
    """|x - target|^2 in its box: one step of conjugate gradients, and the nearest bound."""
    shape = AXES[axes][0]
    unknown = gvd.Unknown("own", axes, 0.0, -1.0, 1.0)
    target = jnp.asarray(rng.normal(size=shape), jnp.float32)
    energy = {"mine": gvd.Term(2.0, lambda unknowns, _: unknowns.own - target, gvd.SquaredL2())}
    unknowns = gvd.Unknowns(own=unknown.first(GRAY))
    block, options = (
        gvd.Block(unknown, {"mine": gvd.Quadratic()}),
        gvd.BlockOptions(gvd.Steps(cg_iterations=2), jnp.inf),
    )
    found, info = gvd.solve_subproblem(block, energy, unknowns, gvd.observe(GRAY, 0.5), options)
    np.testing.assert_allclose(found.own, np.clip(target, -1, 1), atol=1e-6)
    assert info.length.shape == ((1, FRAMES) if axes[:1] == "T" else (1, 1)) and (info.length == 1).all()
    np.testing.assert_allclose(info.before["mine"][0], 2 * np.square(target).sum(), rtol=1e-5)


@gvd.pytree
class Known:
    """What a term may hold: per pixel, per frame, per row, and what is no array of a clip."""

    map: jax.Array = gvd.held("T H W")
    frames: jax.Array = gvd.held("T 2")
    rows: jax.Array = gvd.held("T H")
    vectors: jax.Array = gvd.held("T 2 H W 2", to_level=gvd.FLOW.to_level)
    filters: jax.Array
    missing: jax.Array | None = gvd.held("T H W", default=None)

    def __call__(self, unknowns, observation):
        return unknowns.latent[..., 0] - self.map


def known():
    t, y, x = np.mgrid[:FRAMES, :HEIGHT, :WIDTH].astype(np.float32)
    vectors = np.stack([np.stack([3 + y, x - t], -1), np.stack([y - 3, -1 + 0 * x], -1)], 1)
    arrays = t + 10 * y + 100 * x, t[:, 0, :2], (t + 10 * y)[..., 0], vectors, np.ones((FRAMES, HEIGHT, WIDTH))
    return Known(*map(jnp.asarray, arrays))


def settings():
    """Settings that hold arrays in a term, in the blur, in a stage."""
    config = gvd.Config.default().with_flow(known().vectors)
    config = config.with_term("mine", gvd.Term(2.0, known(), gvd.SquaredL2()), latent=gvd.Dual())
    return config.with_blur(gvd.MotionBlur(), known())


PART = Part(slice(1, 3), slice(1, 4), slice(2, 5))
HALF = (HEIGHT // 2, WIDTH // 2)
CHANGES = {  # and what becomes of the map, the frames, the rows and the vectors
    "level": (
        lambda tree: on_level(tree, HALF),
        lambda own: (
            jax.image.resize(own.map, (FRAMES, *HALF), "linear"),
            own.frames,
            jax.image.resize(own.rows, (FRAMES, 2), "linear"),
            jax.image.resize(own.vectors, (FRAMES, 2, *HALF, 2), "linear") / 2,
        ),
    ),
    "part": (
        lambda tree: within(tree, PART),
        lambda own: (own.map[1:3, 1:4, 2:5], own.frames[1:3], own.rows[1:3, 1:4], own.vectors[1:3, :, 1:4, 2:5]),
    ),
    "canvas": (
        lambda tree: change_held(tree, lambda how, x: how.padded(x, HEIGHT + 1, WIDTH + 2)),
        lambda own: (
            np.pad(own.map, [(0, 0), (0, 1), (0, 2)], mode="edge"),
            own.frames,
            np.pad(own.rows, [(0, 0), (0, 1)], mode="edge"),
            np.pad(own.vectors, [(0, 0), (0, 0), (0, 1), (0, 2), (0, 0)], mode="edge"),
        ),
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_held_arrays_follow_the_clip(name):
    change, expected = CHANGES[name]
    config = change(settings())
    own = config.energy["mine"].residual
    for holder in (own, config.blur.operators[1]):
        found = holder.map, holder.frames, holder.rows, holder.vectors
        for x, y in zip(found, expected(jax.tree.map(np.asarray, known())), strict=True):
            np.testing.assert_allclose(x, y, rtol=1e-5, atol=1e-5)
        assert holder.filters.shape == (FRAMES, HEIGHT, WIDTH) and holder.missing is None
    np.testing.assert_array_equal(config.first.flow, own.vectors)
    assert config.schedule[1:] == settings().schedule[1:] and config.energy["data"] == settings().energy["data"]


def test_settings_without_arrays_stay_as_they_are():
    config = gvd.Config.default()
    assert on_level(config, HALF) == config and within(config, PART) == config


def test_a_given_flow_comes_to_a_level_in_its_pixels():
    """There the ends keep the acceleration of the frame next to them."""
    flow = jnp.broadcast_to(jnp.array([[3.0, -1.0], [-2.0, 1.0]])[:, None, None], (FRAMES, 2, HEIGHT, WIDTH, 2))
    stage = on_level(gvd.GivenFlow(flow.at[0, 1].set(9).at[-1, 0].set(9)), HALF)
    problem = make_problem(GRAY, 0.5, gvd.Config.default())
    state, info = stage.run(gvd.State(gvd.Unknowns(), shape=HALF), problem)
    assert info.energy == {}
    np.testing.assert_allclose(state.unknowns.flow, flow[:, :, :2, :3] / 2, rtol=1e-5)
