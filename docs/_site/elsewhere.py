"""Pages that live elsewhere in the repository: notebooks with the outputs they were kept with, and measured results."""

import re
from pathlib import Path

from mkdocs.plugins import event_priority
from mkdocs.structure.files import File

ROOT = Path(__file__).parents[2]
PATTERNS = ("notebooks/*.ipynb", "experiments/README.md", "experiments/results/*", "experiments/baselines/*.py")


@event_priority(100)  # before the plugin that turns notebooks into pages
def on_files(files, config):
    """Every file of the patterns joins the site under its path in the repository."""
    for pattern in PATTERNS:
        for path in sorted(ROOT.glob(pattern)):
            name = path.relative_to(ROOT).as_posix()
            files.append(File(name, str(ROOT), config.site_dir, config.use_directory_urls))
    return files


def on_page_markdown(markdown, page, **_):
    """In the repository a page of docs/ goes up to reach these files, in the site it does not; no page is a folder."""
    if page.file.src_uri.startswith("experiments/"):
        return re.sub(r"\[([^]]*)\]\(baselines\)", r"\1", markdown)
    return re.sub(r"\]\(\.\./(experiments|notebooks)/", r"](\1/", markdown)


def on_page_content(html, page, **_):
    """A notebook's page asks the network for scripts that typeset formulas and draw diagrams; ours has neither."""
    if page.file.src_uri.endswith(".ipynb"):
        return re.sub(r"<script[^>]*>(?:(?!</script>).)*</script>", "", html, flags=re.DOTALL)
    return html
