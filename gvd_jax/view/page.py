"""The report as one page that holds all it shows: parts that can be made early and kept, and the page of the parts."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from html import escape
from importlib.resources import files
from string import Template

import numpy as np
from matplotlib import rc_context
from matplotlib.colors import to_hex
from skimage.metrics import peak_signal_noise_ratio

from gvd_jax.progress import Progress
from gvd_jax.shapes import HostArray
from gvd_jax.view.colour import defocus_colours, flow_colours, flow_legend, largest_motion
from gvd_jax.view.embed import img, svg, to_bytes
from gvd_jax.view.figures import energy_curve

MAP_WIDTH = 640  # pixels of a map, at most: it is shown beside others
SHOWN_WIDTH = 1024  # pixels; a smaller frame is enlarged by a whole number
SECONDS_BETWEEN_PAGES = 5

PICKER = """<nav class="picker" aria-label="Frames">
<button type="button" aria-label="Previous frame">‹</button>
<input type="range" min="0" max="0" value="0" step="1" aria-label="Frame" autocomplete="off">
<button type="button" aria-label="Next frame">›</button>
<output aria-live="polite"></output>
</nav>"""
SLIDER = """<input type="range" min="0" max="100" value="50" step="any" autocomplete="off"
aria-label="Share of frame {number} that is seen blurry, from the left">
<span class="handle" aria-hidden="true"></span>"""


@dataclass(frozen=True)
class FrameView:
    """What the page shows of one frame, NumPy arrays throughout.

    `blurry`, `restored` and, where it is known, `truth` [H, W, C], display values in [0, 1]; `flow` [2, H, W, 2] to the
    next frame and to the one before, in pixels; `defocus` [H, W], a standard deviation in pixels; `confidence` [H, W]
    in [0, 1].
    """

    number: int
    blurry: HostArray
    restored: HostArray
    flow: HostArray
    defocus: HostArray
    confidence: HostArray
    truth: HostArray | None = None


def frame_section(view: FrameView, fastest: float, softest: float) -> str:
    """One frame as a piece of HTML that needs no other file; the same view gives the same characters.

    `fastest` and `softest` are the pixels of motion and of defocus that full colour stands for, alike in all frames of
    a page.
    """
    height, width = view.blurry.shape[:2]
    shape = f"--width: {width}; --height: {height}; --scale: {max(1, SHOWN_WIDTH // width)}"
    name = f"Frame {view.number}"
    pair = (("before", view.blurry, "blurry"), ("after", view.restored, "restored"))
    frames = [_figure(to_bytes(picture), f"{name}, {label}", label, part) for part, picture, label in pair]
    numbers = [f"<div><dt>{label}</dt><dd>{value}</dd></div>" for label, value in frame_numbers(view)]
    parts = [
        f'<section class="frame" id="frame-{view.number}" aria-label="{name}" style="{shape}">\n<h3>{name}</h3>',
        *('<div class="compare">', *frames, SLIDER.format(number=view.number), "</div>"),
        *('<dl class="numbers">', *numbers, "</dl>"),
        *('<div class="maps">', *_maps(view, fastest, softest), "</div>"),
    ]
    if view.truth is not None:
        parts.append(f"<details><summary>truth</summary>{img(to_bytes(view.truth), f'{name}, truth')}</details>")
    return "\n".join((*parts, "</section>"))


def frame_numbers(view: FrameView) -> list[tuple[str, str]]:
    """What is measured on a frame, by its label: change, motion, confidence and, where there is a truth, PSNR."""
    speed = np.linalg.norm(view.flow, axis=-1)
    change = 255 * np.abs(np.asarray(view.restored, np.float64) - view.blurry).mean()
    numbers = [
        ("mean change", f"{change:.2f} gray levels"),
        ("largest motion", f"{speed[np.isfinite(speed)].max(initial=0.0):.1f} px"),
        ("mean confidence", f"{view.confidence.mean():.2f}"),
    ]
    if view.truth is not None:
        pair = (("PSNR before", view.blurry), ("PSNR after", view.restored))
        numbers += [(label, f"{_psnr(frame, view.truth):.2f} dB") for label, frame in pair]
    return numbers


def report_page(
    sections: Sequence[str],
    history: Sequence[Progress],
    settings: Mapping[str, str],
    timings: Sequence[tuple[str, str]],
    *,
    fastest: float,
    softest: float,
    note: str = "",
) -> str:
    """The whole page of the `sections` that `frame_section` made, all with this `fastest` and `softest`.

    `settings` and `timings` are listed as they are; `note` are sentences below the title. The page needs no network
    and no other file.
    """
    parts = [
        f"<details><summary>Settings</summary>{_table(settings.items())}</details>" if settings else "",
        *(PICKER, *sections, _legend(fastest, softest)),
        *('<div class="columns">', _energy(history), _listing("Seconds", timings), "</div>"),
    ]
    count = f"{len(sections)} frame{'' if len(sections) == 1 else 's'}"
    return _page("restored", "Before and after", f"{count}. {escape(note)}".strip(), parts)


def running_page(progress: Progress, history: Sequence[Progress], settings: Mapping[str, str]) -> str:
    """The page while the run is going: it loads itself anew every few seconds.

    The middle frame is that of `progress.unknowns`, if there are any, and the energy that of this part of a long clip.
    """
    done, left = f"{progress.fraction:.0%} done", time_left(progress)
    height, width = progress.shape
    part = f"{progress.part}, " if progress.part else ""
    place = f"{escape(part + progress.stage)}, level {progress.level + 1} of {progress.levels}, {width}x{height}"
    bar = f'<progress max="1" value="{progress.fraction:.3f}" aria-label="Share of the work that is done"></progress>'
    energy = _energy([step for step in history if step.part == progress.part])
    parts = [
        f"{bar}\n<p>{done} after {_duration(progress.seconds)}: {place}.</p>",
        _middle(progress) if progress.unknowns is not None else "",
        *('<div class="columns">', energy, _listing("Settings", list(settings.items())), "</div>"),
    ]
    refresh = f'<meta http-equiv="refresh" content="{SECONDS_BETWEEN_PAGES}">'
    return _page(f"{done}", "Restoring", left, parts, refresh)


def time_left(progress: Progress) -> str:
    """How long the rest takes."""
    if progress.fraction <= 0:
        return "Just begun."
    return f"About {_duration(progress.left)} left."


def timings(spent: Mapping[str, float]) -> list[tuple[str, str]]:
    """`stage_seconds` as they are listed, and their sum."""
    return [(name, f"{seconds:.1f}") for name, seconds in (*spent.items(), ("all", sum(spent.values())))]


@cache
def _asset(name: str) -> str:
    return (files("gvd_jax.view") / name).read_text(encoding="utf-8")


def _page(title: str, heading: str, lead: str, parts: Iterable[str], head: str = "") -> str:
    """The frame of every page around its parts, which are HTML."""
    return Template(_asset("page.html")).substitute(
        title=title,
        heading=heading,
        lead=lead,
        head=head,
        body="\n".join(part for part in parts if part),
        style=_asset("page.css"),
        script=_asset("page.js"),
    )


def _figure(image: HostArray, description: str, caption: str, part: str = "map") -> str:
    return f'<figure class="{part}">{img(image, description)}<figcaption>{caption}</figcaption></figure>'


def _maps(view: FrameView, fastest: float, softest: float) -> list[str]:
    step = -(-view.defocus.shape[1] // MAP_WIDTH)  # of a smooth map every pixel is not needed
    flow, defocus, confidence = view.flow[:, ::step, ::step], view.defocus[::step, ::step], view.confidence
    pictures = {
        "motion to the next frame": flow_colours(flow[0], fastest),
        "motion to the frame before": flow_colours(flow[1], fastest),
        "defocus": defocus_colours(defocus, softest),
        "confidence": to_bytes(confidence[::step, ::step]),
    }
    return [_figure(image, f"Frame {view.number}, {name}", name) for name, image in pictures.items()]


def _legend(fastest: float, softest: float) -> str:
    """What the colours of the maps mean."""
    wheel = flow_legend()
    axis = np.linspace(-1, 1, len(wheel))
    inside = np.hypot(*np.meshgrid(axis, axis)) <= 1
    wheel = np.concatenate((wheel, np.uint8(255) * inside[..., None].astype(np.uint8)), -1)
    ramp = np.broadcast_to(np.linspace(0, 1, 256), (8, 256))
    return "\n".join(
        (
            '<div class="legend">',
            f'<div class="wheel">{img(wheel, "Wheel of the colours of motion")}',
            f"<span>motion: the colour of its direction,<br>full at {fastest:.1f} px per frame</span></div>",
            f'<div class="ramp">{img(defocus_colours(ramp, 1.0), "Colours of defocus, from dark to bright")}',
            f"<span><span>in focus</span><span>defocus {softest:.1f} px</span></span></div>",
            f'<div class="ramp">{img(to_bytes(ramp), "Shades of confidence, from black to white")}',
            "<span><span>0</span><span>confidence</span><span>1</span></span></div>",
            "</div>",
        )
    )


def _energy(history: Sequence[Progress]) -> str:
    """The curves of every term with their key, nothing before there are any."""
    with rc_context({"font.size": 8}):
        figure = energy_curve(history)
        figure.set_size_inches(4.8, 3.2)  # a phone shows it at about this size
        (axes,) = figure.axes
        if not axes.lines:
            return ""
        axes.legend().remove()  # the key stands below, where it hides no curve
        axes.spines[["top", "right"]].set_visible(False)
        drawing = svg(figure, "Each term of the energy per pixel, over the seconds")
    terms = [(to_hex(line.get_color()), line.get_label()) for line in axes.lines if line.get_marker() == "o"]
    key = "".join(f'<li style="--colour: {colour}">{escape(str(name))}</li>' for colour, name in terms)
    return f'<section>\n<h2>Energy</h2>\n<figure class="energy">{drawing}<ul>{key}</ul></figure>\n</section>'


def _middle(progress: Progress) -> str:
    """The middle frame as it is now, and its motion."""
    latent, flow = progress.unknowns.latent, progress.unknowns.flow
    middle = len(latent) // 2
    motion = np.asarray(flow[middle, 0])
    frame = _figure(to_bytes(np.asarray(latent[middle])), f"Frame {middle} now", f"frame {middle} now", "now")
    colours = _figure(
        flow_colours(motion, largest_motion(motion)), f"Motion of frame {middle} now", "its motion", "now"
    )
    return f'<div class="middle">\n{frame}\n{colours}\n</div>'


def _listing(heading: str, rows: Sequence[tuple[str, str]]) -> str:
    return f"<section>\n<h2>{heading}</h2>\n{_table(rows)}\n</section>" if rows else ""


def _table(rows: Iterable[tuple[str, str]]) -> str:
    cells = (f'<tr><th scope="row">{escape(name)}</th><td>{escape(value)}</td></tr>' for name, value in rows)
    return f"<table>{''.join(cells)}</table>"


def _psnr(frame: HostArray, truth: HostArray) -> float:
    """dB, infinite where nothing differs."""
    with np.errstate(divide="ignore"):
        a, b = np.asarray(truth, np.float64), np.asarray(frame, np.float64)
        return float(peak_signal_noise_ratio(a, b, data_range=1.0))


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {rest} s" if minutes else f"{rest} s"
