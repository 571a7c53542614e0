"""The report in a browser: on a screen by mouse and keys, on a phone by finger, and without a script."""

import io
import shutil
from itertools import pairwise
from types import SimpleNamespace

import imageio.v3 as iio
import numpy as np
import pytest

from gvd_jax.progress import Progress
from gvd_jax.view.page import FrameView, frame_section, report_page

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SCREEN = {"viewport": {"width": 1280, "height": 800}}
PHONE = {"viewport": {"width": 390, "height": 844}, "is_mobile": True, "has_touch": True}
SIZES = pytest.mark.parametrize("kind", [SCREEN, PHONE], ids=["screen", "phone"])
BLURRY, RESTORED = ((204, 51, 0), (51, 204, 0), (0, 51, 204)), ((0, 51, 102), (102, 0, 51), (51, 102, 0))
TRUTH = 0.5
LONG = "a/very/long/path/" * 12


@pytest.fixture(scope="module")
def browser():
    """Chromium: the one of the system, else the one that playwright has installed."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    try:
        with playwright.sync_playwright() as driver:
            running = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])
            yield running
            running.close()
    except (playwright.Error, OSError) as error:
        pytest.skip(f"no browser starts: {str(error).splitlines()[0]}")


def flat(number):
    """A frame of one colour before and one after; numbers that differ from frame to frame."""
    blurry, restored = (np.broadcast_to(np.float32(c[number]) / 255, (48, 64, 3)) for c in (BLURRY, RESTORED))
    flow = np.full((2, 48, 64, 2), (3.0, 4.0)) * (number + 1)
    shade = np.full((48, 64), (number + 1) / 4)
    return FrameView(number * 5, blurry, restored, flow, shade, shade, np.full_like(blurry, TRUTH))


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    history = [Progress("latent", 0, 1, (48, 64), 0.5, 3.0, {"data": 5.0, "temporal": 2.0}, None)] * 2
    sections = [frame_section(flat(k), 15.0, 1.0) for k in range(3)]
    file = tmp_path_factory.mktemp("report") / "index.html"
    settings = {"input": LONG, "preset": "<default>"}
    text = report_page(sections, history, settings, [(LONG, "3.0")], fastest=15.0, softest=1.0, note="A <note>.")
    file.write_text(text, encoding="utf-8")
    return file


@pytest.fixture
def visit(browser, path):
    """Opens the page from disk; afterwards nothing was complained of, and nothing asked of a network."""
    contexts, complaints, asked = [], [], []

    def open_page(**kind):
        contexts.append(browser.new_context(**kind))
        page = contexts[-1].new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: asked.append(request.url))
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert complaints == []
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []


def box(page):
    """Where the frame that is shown lies on the screen."""
    return SimpleNamespace(**page.locator("section.shown .compare").bounding_box())


def drag(page, kind, start, end):
    """Pull the handle from one share of the width to another, by finger where there is one."""
    frame = box(page)
    xs = frame.x + np.linspace(start, end, 8) * frame.width
    y = frame.y + 0.4 * frame.height
    if kind is PHONE:
        session = page.context.new_cdp_session(page)
        for name, x in [("touchStart", xs[0]), *(("touchMove", x) for x in xs[1:]), ("touchEnd", None)]:
            points = [] if x is None else [{"x": float(x), "y": y}]
            session.send("Input.dispatchTouchEvent", {"type": name, "touchPoints": points})
        return
    page.mouse.move(xs[0], y)
    page.mouse.down()
    for x in xs:
        page.mouse.move(x, y)
    page.mouse.up()


def colours(page, *shares):
    """What is seen at these shares of the width of the frame, above its handle's knob and its labels."""
    frame = box(page)
    image = iio.imread(io.BytesIO(page.screenshot()), extension=".png")
    row = int(frame.y + 0.25 * frame.height)
    return [tuple(map(int, image[row, int(frame.x + share * frame.width), :3])) for share in shares]


def cut(page):
    return float(page.locator("section.shown .compare input").input_value())


@SIZES
def test_the_slider_shows_before_at_its_left_and_after_at_its_right(visit, kind):
    page = visit(**kind)
    assert colours(page, 0.05, 0.48, 0.52, 0.95) == [BLURRY[0]] * 2 + [RESTORED[0]] * 2
    drag(page, kind, 0.5, 0.25)
    assert cut(page) == pytest.approx(25, abs=0.5)
    assert colours(page, 0.05, 0.23, 0.27, 0.95) == [BLURRY[0]] * 2 + [RESTORED[0]] * 2
    page.locator("section.shown .compare input").focus()
    page.keyboard.press("PageUp")
    assert cut(page) == pytest.approx(35, abs=0.5)
    page.keyboard.press("End")  # everything is blurry, and the frame has not changed
    assert colours(page, 0.05, 0.95) == [BLURRY[0]] * 2
    page.keyboard.press("Home")
    assert colours(page, 0.05, 0.95) == [RESTORED[0]] * 2


@SIZES
def test_frames_are_stepped_through_by_key_button_and_range(visit, kind):
    page = visit(**kind)
    drag(page, kind, 0.5, 0.25)
    page.locator("h1").click()  # while the slider has the focus, keys move it
    seen = []
    for move in ("start", "ArrowRight", "Next frame", "Next frame", "ArrowLeft", "Previous frame", "Previous frame"):
        if move.startswith("Arrow"):
            page.keyboard.press(move)
        elif move != "start":
            button = page.get_by_role("button", name=move)
            button.tap(force=True) if kind is PHONE else button.click(
                force=True
            )  # also where there is no further frame
        seen.append(page.locator("output").inner_text())
        (shown,) = [k for k in range(3) if page.locator(f"#frame-{5 * k}").is_visible()]
        assert seen[-1] == f"Frame {5 * shown} ({shown + 1} of 3)"
        assert colours(page, 0.23, 0.27) == [BLURRY[shown], RESTORED[shown]]  # the handle stays where it was
    assert [int(text.split()[1]) for text in seen] == [0, 5, 10, 10, 5, 0, 0]
    page.get_by_role("slider", name="Frame", exact=True).focus()
    page.keyboard.press("End")
    assert page.locator("#frame-10").is_visible()


def test_the_numbers_are_those_of_the_frame(visit):
    page = visit(**SCREEN)
    for k in range(3):
        before, after = np.array(BLURRY[k]), np.array(RESTORED[k])
        noise = [((colour / 255 - TRUTH) ** 2).mean() for colour in (before, after)]
        expected = {
            "mean change": f"{np.abs(after - before).mean():.2f} gray levels",
            "largest motion": f"{5.0 * (k + 1):.1f} px",
            "mean confidence": f"{(k + 1) / 4:.2f}",
            "PSNR before": f"{-10 * np.log10(noise[0]):.2f} dB",
            "PSNR after": f"{-10 * np.log10(noise[1]):.2f} dB",
        }
        labels, values = (page.locator(f"section.shown {tag}").all_inner_texts() for tag in ("dt", "dd"))
        assert dict(zip(labels, values, strict=True)) == expected
        page.keyboard.press("ArrowRight")


@SIZES
def test_nothing_is_wider_than_the_screen_and_all_is_named(visit, kind):
    page = visit(**kind)
    page.locator("summary", has_text="Settings").click()
    page.locator("section.shown summary").click()
    assert page.evaluate("document.documentElement.scrollWidth") == kind["viewport"]["width"]
    assert page.evaluate("[...document.images].filter(image => image.complete && !image.naturalWidth).length") == 0
    assert page.evaluate("[...document.images].every(image => image.alt)")
    assert "A <note>." in page.locator("header").inner_text() and "<default>" in page.locator("main").inner_text()
    slider = page.get_by_role("slider", name="Share of frame 0 that is seen blurry, from the left")
    assert slider.get_attribute("aria-valuetext") == "50 % blurry, the rest restored"
    assert page.locator(".energy li").all_inner_texts() == ["data", "temporal"]


@pytest.mark.parametrize("scheme, dark", [("light", False), ("dark", True)])
def test_the_page_is_as_dark_as_the_reader_likes(visit, scheme, dark):
    page = visit(**SCREEN, color_scheme=scheme)
    assert (iio.imread(io.BytesIO(page.screenshot()), extension=".png")[2, 2, :3].mean() < 64) == dark


def test_without_a_script_frames_stand_one_below_the_other(visit):
    page = visit(**SCREEN, java_script_enabled=False)
    boxes = [image.bounding_box() for image in page.locator(".compare img").all()]
    assert len(boxes) == 6 and all(b["height"] > 100 for b in boxes)
    assert all(above["y"] + above["height"] <= below["y"] for above, below in pairwise(boxes))
    assert not any(control.is_visible() for control in page.locator("input, button, .handle").all())
