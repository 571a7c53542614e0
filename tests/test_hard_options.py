"""Options that are absurd: a correct result, or one line on standard error and status 2."""

from types import SimpleNamespace

import numpy as np
import pytest

from gvd_jax.video.read_write import write_video
from tests.commands import FRAMES, calls, private_cache
from tests.hard_input import bench

__all__ = ["bench", "calls", "private_cache"]  # fixtures

NUMBERS = (
    *(
        "nan",
        "inf",
        "-inf",
        "-0",
        "-0.0",
        "1e308",
        "-1e308",
        "1e309",
        "1e-308",
        "1e-400",
        "",
        " ",
        "0x10",
        "1_0",
        "1__0",
    ),
    *(
        "٣",
        "½",
        "²",
        "一",
        "1,5",
        "1.5.1",
        "--1",
        "+1",
        "1e",
        "1" * 400,
        "-" + "9" * 400,
        "None",
        "True",
        "auto ",
        "NaN",
        "0.25\n",
    ),
)
SINGLE = {
    "deblur": ("--duty-cycle", "--shutter-angle", "--max-memory", "--frames", "--crop", "--preset", "--transfer"),
    "synthesize": ("--frames-per-exposure", "--stride", "--gaussian", "--frames", "--transfer"),
    "sweep": ("--weights.data", "--duty-cycle", "--batch-size"),
}
RANGES = (
    *(
        "0:0",
        "5:1",
        "0:6",
        "5:",
        "6:",
        "4:5",
        ":",
        "::",
        "0:2:1",
        "1:2:3",
        "-1:2",
        "0:-1",
        "a:b",
        "0",
        "",
        ":0",
        "0:1e9",
        "٠:٣",
    ),
    *(
        "0x0:2",
        "0:" + "9" * 400,
        "9" * 5000 + ":",
        " 0:2",
        "0: 2",
        "0;2",
        "0:2,3:4",
        "nan:",
        "²:",
        "1:1",
        "1.0:2.0",
        "+0:2",
    ),
)
CROPS = (
    *(
        "0,0,0,0",
        "0,0,24,32",
        "0,0,25,32",
        "24,0,1,1",
        "23,31,1,1",
        "0,0,1,1",
        "0,0,1,32",
        "0,0,24,1",
        "-1,0,4,4",
        "0,0,-4,4",
    ),
    *(
        "0,0,4",
        "0,0,4,4,4",
        ",,,",
        "",
        "a,b,c,d",
        "0.5,0,4,4",
        "nan,0,4,4",
        "0 0 4 4",
        " 0, 0, 4, 4 ",
        "٠,٠,٤,٤",
        "²,0,4,4",
    ),
    *(f"{'9' * 30},0,4,4", f"0,0,{'9' * 400},4", "9" * 5000 + ",0,4,4", "0,0,4,4\n"),
)
MEMORY = ("0", "-1", "nan", "inf", "-inf", "1e-9", "1e9", "1e308", "0.9", "1e-400", "", "lots", "4GB")
HOSTS = (
    "",
    ",",
    ",,",
    "a",
    "a,b",
    "a,b,c",
    "a,b,c,d",
    "auto,1,0",
    "Auto",
    "nan,nan,nan",
    "x,1.5,0",
    "x,1,",
    "x,,0",
    ",1,0",
    "\n",
    "x,²,0",
)
HOSTS += (
    "x:1,0,0",
    "x:1,-1,0",
    "x:1,2,2",
    "x:1,2,-1",
    "x:1,1,1",
    "x,1,0",
    "x:,1,0",
    ":1,1,0",
    "x:99999,1,0",
    "x:0,1,0",
    "x:y,1,0",
)
PAIRS = (
    ("--duty-cycle", "0.25", "--shutter-angle", "180"),
    ("--duty-cycle", "auto", "--shutter-angle", "180"),
    ("--duty-cycle", "0.25", "--duty-cycle", "0.3"),
    ("--resume", "--overwrite"),
    ("--frames", "0:2", "--crop", "0,0,1,1"),
    ("--frames", "0:2", "--frames", "7:9"),
    ("--preset", "fast", "--preset", "paper"),
    ("--defocus",),
    ("--defocus", "off", "--defocus", "on"),
    ("--no-defocus",),
    ("--quiet", "--json", "--preview"),
    ("--no-quiet",),
    ("--duty-cycle",),
    ("--frames",),
    ("--frames", "0:2", "5:7"),
    ("--",),
    ("--max-memory", "4", "8"),
    ("--maps", "", "--report", ""),
    ("--max_memory", "4"),
    ("-h0",),
    ("--deblur",),
    ("extra",),
)
DEBLUR = [
    *(("--frames", text) for text in RANGES),
    *(("--crop", text) for text in CROPS),
    *(("--max-memory", text) for text in MEMORY),
    *(("--hosts", text) for text in HOSTS),
    *PAIRS,
]
NEEDED = {"deblur": ("--quiet",), "synthesize": ("--frames-per-exposure", "1"), "sweep": ("--weights.data", "5")}


@pytest.fixture
def clip(bench):
    write_video(bench.folder / "in", FRAMES)
    return bench.folder / "in"


@pytest.fixture
def swept(monkeypatch):
    """Sweeps are as quick as the rest."""

    def sweep(frames, taus, configs, batch_size, hooks):
        return SimpleNamespace(latent=np.stack([1 - frames] * len(configs)))

    monkeypatch.setattr("gvd_jax.method.sweep.sweep", sweep)


@pytest.mark.parametrize("command, option", [(c, n) for c, names in SINGLE.items() for n in names])
def test_a_number_that_is_none(bench, clip, swept, command, option):
    for k, text in enumerate(NUMBERS):
        output = bench.folder / f"out{k}"
        needed = [*NEEDED[command]] if option not in NEEDED[command] else []
        arguments = [command, clip, output, *needed, f"{option}={text}" if k % 2 else option]
        bench.run(*arguments, *([] if k % 2 else [text]), writes=[output])


@pytest.mark.parametrize("options", DEBLUR, ids=lambda options: " ".join(options)[:50])
def test_deblur_with_absurd_options(bench, clip, options):
    bench.deblur(clip, "out", *options)
