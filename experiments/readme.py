"""Put what was measured into the pages that show it: the tables of experiments/results into experiments/README.md, each
after the comment that names its file, and how ours compares with trained networks into README.md.

python -m experiments.readme
"""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

README = Path(__file__).parent / "README.md"
FRONT = README.parent.parent / "README.md"
TABLE = re.compile(r"(<!-- (results/\w+\.md) -->\n).*?(<!-- end -->)", re.DOTALL)
EVIDENCE = re.compile(r"(<!-- evidence -->\n).*?(<!-- end -->)", re.DOTALL)
GROUPS = {
    "hand-held street, 24 frames per second (r4, r5, r6, r9)": ("r4", "r5", "r6", "r9"),
    "sport, from the footage the networks were trained on (r7, r8)": ("r7", "r8"),
    "rendered, motion (d1)": ("d1",),
    "rendered, motion, averaged in light (d2)": ("d2",),
    "rendered, motion and defocus (d3)": ("d3",),
}
NETWORKS = {"MAXIM": "maxim", "SRN": "srn"}


def with_tables(text: str) -> str:
    """The text with every table as its file has it now."""
    return TABLE.sub(lambda found: f"{found[1]}\n{(README.parent / found[2]).read_text()}\n{found[3]}", text)


def with_evidence(text: str) -> str:
    """The text with the comparison as the files of the results have it now."""
    return EVIDENCE.sub(lambda found: f"{found[1]}{evidence()}\n{found[2]}", text)


def evidence() -> str:
    """Gains in PSNR over the blurry input as a table: the default as typed, beside two trained networks."""
    ours, theirs = (
        json.loads((README.parent / "results" / name).read_text()) for name in ("quality.json", "peers.json")
    )
    lines = [
        "| gain in dB over the blurry clip | gvd_jax, as typed | " + " | ".join(NETWORKS) + " |",
        "|---|---|---|---|",
    ]
    for title, clips in GROUPS.items():
        rows = [[ours[f"{clip}_typed"] for clip in clips]]
        rows += [[theirs[f"{clip}_{name}"] for clip in clips] for name in NETWORKS.values()]
        lines.append(f"| {title} | " + " | ".join(f"{_mean(own, 'gain dB'):+.2f}" for own in rows) + " |")
    return "\n".join(lines)


def _mean(rows: list[dict[str, Any]], column: str) -> float:
    return float(np.mean([row[column] for row in rows]))


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text()))
    FRONT.write_text(with_evidence(FRONT.read_text()))
