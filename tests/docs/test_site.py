"""The documentation as a site: built with warnings as errors, opened in a real browser at two widths."""

import os
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from tests.chromium import SIZES
from tests.docs.blocks import ROOT

pytestmark = pytest.mark.slow
OPTIONS = ["--quiet", "--fail-on-warning", "--keep-going", "--fresh-env"]
"""Of `make docs`."""
WHOLE = (
    "docs/index.html",
    "docs/models.html",
    "experiments/RESULTS.html",
    "docs/01_first_run.html",
    "docs/api/networks.html",
    "docs/data_card.html",
)
"""Pages of which the whole is pictured."""
CHECK = """() => ({
    broken: [...document.images].filter(image => !image.complete || image.naturalWidth === 0).map(image => image.src),
    wide: document.scrollingElement.scrollWidth - document.documentElement.clientWidth,
    heading: document.querySelectorAll("article h1").length,
})"""


class Links(HTMLParser):
    """What a page points to, and where it can be pointed to."""

    def __init__(self, path):
        super().__init__()
        self.targets, self.anchors = [], set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.anchors |= {given[name] for name in ("id", "name") if given.get(name)}
        self.targets += [given[name] for name in ("href", "src") if given.get(name)]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """The folder that `make docs` makes; a warning fails."""
    folder = tmp_path_factory.mktemp("site")
    doctrees = ["-d", tmp_path_factory.mktemp("doctrees"), "-c", ROOT / "docs"]
    command = [sys.executable, "-m", "sphinx", *OPTIONS, *doctrees, ROOT, folder]
    result = subprocess.run(map(str, command), capture_output=True, text=True, timeout=900, check=False)
    assert result.returncode == 0, result.stderr[-5000:]
    return folder


def pages_of(site):
    return sorted(path for path in site.rglob("*.html") if "_static" not in path.parts)


def test_make_builds_it_so():
    (line,) = (line for line in (ROOT / "Makefile").read_text().splitlines() if "sphinx-build" in line)
    assert set(OPTIONS) < set(line.split())


def test_every_link_inside_leads_somewhere(site):
    found = {path: Links(path) for path in pages_of(site)}
    assert len(found) > 50
    broken = []
    for path, links in found.items():
        for target in links.targets:
            url = urlsplit(target)
            if url.scheme in ("http", "https", "mailto", "data"):
                continue
            wanted = (path.parent / unquote(url.path)).resolve() if url.path else path
            known = wanted not in found or not url.fragment or url.fragment in found[wanted].anchors
            if not (wanted.is_file() and known):
                broken.append(f"{path.relative_to(site)}: {target}")
    assert broken == []


def test_pages_in_a_browser(site, browser):
    """Nothing is asked of a network or complained of, every picture is seen, no page is wider than the screen."""
    complaints, wrong = [], []
    context = browser.new_context()
    page = context.new_page()
    page.on("console", lambda message: complaints.append((page.url, message.text)))
    page.on("pageerror", lambda error: complaints.append((page.url, str(error))))
    page.on("request", lambda request: request.url.startswith(("file:", "data:")) or complaints.append(request.url))
    page.on("requestfailed", lambda request: complaints.append(request.url))
    for path in pages_of(site):
        if path == site / "index.html":
            continue  # it sends on to docs/index.html
        name = path.relative_to(site).as_posix()
        page.goto(path.as_uri())
        for size, (width, height) in SIZES.items():
            page.set_viewport_size({"width": width, "height": height})
            seen = page.evaluate(CHECK)
            if seen["broken"] or seen["wide"] > 0 or (seen["heading"] != 1 and path.stem not in ("genindex", "search")):
                wrong.append((name, size, seen))
            pictures(page, name, size)
    context.close()
    assert complaints == []
    assert wrong == []


def test_first_page_leads_on_and_search_finds(site, browser):
    """Search works from the disk, without a server."""
    context = browser.new_context()
    page = context.new_page()
    page.goto((site / "index.html").as_uri())
    page.wait_for_url("**/docs/index.html")
    assert page.locator("article img").count() >= 2
    page.goto((site / "search.html").as_uri() + "?q=theta")
    page.wait_for_selector("#search-results li a")
    assert page.locator("#search-results li a").count() > 3
    context.close()


def pictures(page, name, size):
    """Into the folder `MSCAT_SCREENSHOTS`, where it is given: what is in view, of some pages the whole."""
    if folder := os.environ.get("MSCAT_SCREENSHOTS"):
        stem = name.removesuffix(".html").replace("/", "-")
        page.screenshot(path=Path(folder) / f"{stem}-{size}.png", full_page=name in WHOLE)
