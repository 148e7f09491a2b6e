"""The page in a real browser: no error, no request, every select changes its figure, keyboard, phone, printer."""

import os
from pathlib import Path

import pytest

from mscat_tf.report import write_report
from tests.chromium import SIZES
from tests.report.mock_run import evaluated, explained, write_sample

HOSTILE = "</script><script>window.hacked=1</script><img src=x onerror='window.hacked=2'>&amp;\"`"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    """A page about two runs, whose processes and folder have names that would like to be markup."""
    folder = tmp_path_factory.mktemp("report")
    sample = write_sample(folder / "sample", ("4b", HOSTILE, "ttbar"))
    first = explained(evaluated(folder / "<b onclick='hack()'>&lt;", sample))
    other = evaluated(folder / "other", sample, "model.width=24", strength=1.0)
    return write_report([first, other], folder / "report.html")


class Watched:
    """An open page with all that it complained about and asked for."""

    def __init__(self, browser, path, size, ready=True, **options):
        self.context = browser.new_context(viewport=dict(zip(("width", "height"), size, strict=True)), **options)
        self.complaints, self.requests = [], []
        self.page = self.context.new_page()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("dialog", lambda dialog: self.complaints.append(dialog.message))
        self.context.route("**/*", self._route)
        self.own = path.as_uri()
        self.page.goto(self.own)
        if ready:
            self.page.wait_for_selector("html[data-ready]")

    def _route(self, route):
        url = route.request.url
        if url.partition("#")[0] == self.own or url.startswith(("data:", "blob:")):
            route.continue_()
        else:
            self.requests.append(url)
            route.abort()

    def drawn(self):
        """Bring every figure into view, so that it is drawn."""
        for figure in self.page.query_selector_all("figure[data-drawer]"):
            figure.scroll_into_view_if_needed()
            self.page.wait_for_function("figure => figure.dataset.drawn", arg=figure)
        return self

    def shown(self, figure):
        """What is drawn: traces and axes, without ranges and domains that plotly finds by what it drew before."""
        return self.page.evaluate(
            "name => { const plot = document.querySelector(`#${name} .plot`);"
            " const axis = found => ({...found, domain: found && found.constrain ? null : found && found.domain,"
            "     range: found && found.autorange ? null : found && found.range});"
            " return JSON.stringify([plot.data, axis(plot.layout.xaxis), axis(plot.layout.yaxis)]); }",
            figure,
        )

    def screenshot(self, name):
        """Of what is in view; of the whole page into the folder of pictures, where there is one."""
        if folder := os.environ.get("MSCAT_SCREENSHOTS"):
            self.page.screenshot(full_page=True, path=Path(folder) / f"{name}.png")
        return self.page.screenshot()


@pytest.fixture(scope="module")
def desktop(browser, path):
    """The page at the width of a desktop, all figures drawn."""
    return Watched(browser, path, SIZES["desktop"]).drawn()


def test_nothing_is_complained_of_and_nothing_leaves_the_file(desktop):
    assert desktop.complaints == []
    assert desktop.requests == []
    assert desktop.screenshot("desktop")[:4] == b"\x89PNG"


def test_what_listens_hears_a_request_and_the_policy_of_the_page_refuses_it(browser, path):
    """So the test above can fail: the head of the page with a picture from elsewhere, without and with its policy."""
    other = path.with_name("reaching.html")
    reaching = path.read_text(encoding="utf-8").partition("</header>")[0] + "<img src='https://example.org/x.png'>"
    heard = []
    for html in (reaching.replace("Content-Security-Policy", "nothing"), reaching):
        other.write_text(html, encoding="utf-8")
        watched = Watched(browser, other, SIZES["phone"], ready=False)
        heard.append((watched.requests, "Content Security Policy" in "".join(watched.complaints)))
        watched.context.close()
    assert heard == [(["https://example.org/x.png"], False), ([], True)]


def test_strange_names_stay_text(desktop):
    page = desktop.page
    assert page.evaluate("window.hacked") is None
    assert page.query_selector("img, b") is None
    assert page.inner_text("h1").startswith("<b onclick='hack()'>&lt;")
    assert HOSTILE in [option.inner_text() for option in page.query_selector_all("#attention-map-process option")]
    legends = "".join(text.text_content() for text in page.query_selector_all("#scores .legendtext"))
    assert HOSTILE.replace("`", "") in legends.replace("`", "")


def test_every_option_of_every_select_shows_something_else(desktop):
    page, seen = desktop.page, 0
    for select in page.query_selector_all("select[data-choice]"):
        figure, name = select.evaluate("each => [each.closest('figure').id, each.id]")
        if select.is_disabled():
            continue
        first, drawn = select.input_value(), [desktop.shown(figure)]
        others = select.evaluate("each => [...each.options].filter(o => !o.disabled && !o.selected).map(o => o.value)")
        if not others:
            continue
        for other in others:
            select.select_option(other)
            drawn.append(desktop.shown(figure))
        assert len(set(drawn)) == len(drawn), f"two options of {name} show the same"
        select.select_option(first)
        assert desktop.shown(figure) == drawn[0], f"{name} does not lead back"
        seen += 1
    assert seen >= 20
    assert desktop.complaints == []


def test_selects_that_depend_on_others(desktop):
    page = desktop.page
    page.select_option("#attention-map-event", "0")
    assert page.is_disabled("#attention-map-verdict")
    page.click("#attention-map button[data-step=next]")
    assert page.input_value("#attention-map-event") == "1"
    page.click("#attention-map button[data-step=previous]")
    page.click("#attention-map button[data-step=previous]")
    assert page.input_value("#attention-map-event") == "mean"
    page.select_option("#event-display-colour", "pt")
    assert page.is_hidden("#event-display-head")
    assert "GeV" in page.inner_html("#event-display .rows")
    page.select_option("#event-display-colour", "attention:cross_block_1")
    assert page.is_visible("#event-display-head")


def test_arrays_arrive_as_they_were_packed(desktop):
    """`arrays.js` against numpy: the first event's attention and the mean map."""
    from tests.report.test_page import Page, unpacked

    data = Page(Path(desktop.own.removeprefix("file://"))).data
    event = data["shared-events"]["events"][0]["attention"]["cross_block_1"]
    found = desktop.page.evaluate("Array.from(unpack(shared('events').events[0].attention.cross_block_1).values)")
    assert found == pytest.approx(unpacked(event).ravel().tolist(), rel=1e-6)
    mean = data["data-attention-map"]["blocks"]["cross_block_1"]["mean"]
    script = "Array.from(unpack(readData('data-attention-map').blocks.cross_block_1.mean).values)"
    assert desktop.page.evaluate(script) == pytest.approx(unpacked(mean).ravel().tolist(), rel=1e-6)


def test_the_keyboard_reaches_a_select_and_changes_the_figure(desktop):
    page = desktop.page
    first = "document.querySelector('a, button, input, select, summary, [tabindex]')"
    assert page.evaluate(f"{first}.className") == "skip"
    page.evaluate(f"{first}.focus()")
    focused = []
    for _ in range(80):
        page.keyboard.press("Tab")
        focused.append(page.evaluate("document.activeElement.id || document.activeElement.className"))
        if focused[-1] == "roc-background":
            break
    assert focused[-1] == "roc-background"
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    before, value = desktop.shown("roc"), page.input_value("#roc-background")
    page.keyboard.press("ArrowDown")
    assert page.input_value("#roc-background") != value
    assert desktop.shown("roc") != before
    page.keyboard.press("ArrowUp")


def test_figures_have_words(desktop):
    figures = desktop.page.evaluate(
        "[...document.querySelectorAll('figure')].map(f => [f.id, f.querySelector('[role=img]').ariaLabel,"
        " f.querySelector('figcaption').textContent, f.querySelectorAll('table').length])"
    )
    assert len(figures) >= 15
    for name, label, caption, tables in figures:
        assert len(label) > 20, name
        assert len(caption) > 20, name
        assert tables or name in ("roc-of-runs", "validation-auc", "attention-plane", "insertion-deletion"), name


def test_phone_in_the_dark_is_readable(browser, path):
    phone = Watched(browser, path, SIZES["phone"], color_scheme="dark", has_touch=True, is_mobile=True).drawn()
    page = phone.page
    assert page.evaluate("document.documentElement.scrollWidth") == SIZES["phone"][0]
    widths = page.evaluate("[...document.querySelectorAll('.plot .main-svg')].map(svg => svg.clientWidth)")
    assert max(widths) <= SIZES["phone"][0]
    colours = page.evaluate(
        "[getComputedStyle(document.body).backgroundColor, getComputedStyle(document.querySelector('.plot text')).fill]"
    )
    assert colours == ["rgb(20, 23, 27)", "rgb(230, 233, 237)"]
    page.query_selector("#roc").scroll_into_view_if_needed()
    page.set_viewport_size({"width": 844, "height": 390})
    page.wait_for_function("() => document.querySelector('#roc .plot').layout.width > 700")
    page.set_viewport_size({"width": 390, "height": 844})
    page.wait_for_function("() => document.querySelector('#roc .plot').layout.width < 400")
    phone.screenshot("phone")
    assert (phone.complaints, phone.requests) == ([], [])
    phone.context.close()


def test_printer_gets_every_figure_at_the_width_of_paper(desktop):
    page = desktop.page
    widths = "[...document.querySelectorAll('.plot')].map(plot => plot.layout?.width)"
    page.evaluate(f"addEventListener('beforeprint', () => {{ window.printed = {widths}; }})")
    assert page.pdf(format="A4")[:5] == b"%PDF-"
    printed = page.evaluate("window.printed")
    assert len(printed) >= 15
    assert set(printed) == {660}
