"""Put the tables of experiments/results into experiments/README.md, each after the comment that names its file.

python -m experiments.readme
"""

import re
from pathlib import Path

README = Path(__file__).parent / "README.md"
TABLE = re.compile(r"(<!-- (results/\w+\.md) -->\n).*?(<!-- end -->)", re.DOTALL)


def with_tables(text: str) -> str:
    """The text with every table as its file has it now."""
    return TABLE.sub(lambda found: f"{found[1]}\n{(README.parent / found[2]).read_text()}\n{found[3]}", text)


if __name__ == "__main__":
    README.write_text(with_tables(README.read_text()))
