"""The page in a real browser."""

import shutil
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from reports.page import ReportPaths
from tests.narrowing import present

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(
        CHROMIUM is None, reason="needs Chromium on the path: apt-get install chromium"
    ),
]


@pytest.fixture(scope="module")
def browser() -> "Iterator[Browser]":
    playwright = pytest.importorskip("playwright.sync_api", reason="needs the package playwright")
    with playwright.sync_playwright() as started:
        yield started.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


def opened(
    browser: "Browser", written: ReportPaths, *, width: int = 1440, **options: object
) -> "Page":
    context = browser.new_context(viewport={"width": width, "height": 900}, **options)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(written.index.as_uri())
    return page


def names(page: "Page") -> list[str]:
    rows: list[str] = page.eval_on_selector_all(
        "#numbers tbody tr:not([hidden])", "rows => rows.map(row => row.dataset.v)"
    )
    return rows


def test_nothing_is_loaded_and_nothing_goes_wrong(browser: "Browser", written: ReportPaths) -> None:
    page = browser.new_context().new_page()
    trouble: list[str] = []
    requests: list[str] = []
    page.on("console", lambda message: trouble.append(message.text))
    page.on("pageerror", lambda error: trouble.append(str(error)))
    page.on("request", lambda request: requests.append(request.url.split(":")[0]))

    page.goto(written.index.as_uri())

    assert trouble == []
    assert set(requests) <= {"file", "data"}


def test_a_click_sorts_both_ways_and_the_base_stays_on_top(
    browser: "Browser", written: ReportPaths
) -> None:
    page = opened(browser, written)

    page.click("#numbers th[data-k=params]")
    rising = names(page)
    page.click("#numbers th[data-k=params]")
    falling = names(page)

    assert rising[:2] == ["yolov5p", "yolov5p_effnetv2_printed"]
    assert falling[:2] == ["yolov5p", "yolov5p_odconv4_all"]
    assert rising[-1] == falling[-1] == "yolov5p_ghost", "what has no value goes last"
    assert page.get_attribute("#numbers th[data-k=params]", "aria-sort") == "descending"


def test_words_and_conditions_filter_together(browser: "Browser", written: ReportPaths) -> None:
    page = opened(browser, written)

    page.fill("#filter", "odconv latency>1.5")

    assert names(page) == ["yolov5p", "yolov5p_odconv4", "yolov5p_odconv4_all"]
    assert page.text_content("#shown") == "2 of 10 match"


def test_a_tile_filters_the_table(browser: "Browser", written: ReportPaths) -> None:
    page = opened(browser, written)

    page.click(".tile[data-select='latency:better']")

    assert names(page) == ["yolov5p", "yolov5p_effnetv2_printed"]


def test_columns_open_without_script(browser: "Browser", written: ReportPaths) -> None:
    page = opened(browser, written, java_script_enabled=False)
    cell = page.locator("#numbers th.g-accuracy").first

    hidden = cell.is_visible()
    page.click("label[for=g-accuracy]")

    assert (hidden, cell.is_visible()) == (False, True)


def test_without_script_everything_is_there(browser: "Browser", written: ReportPaths) -> None:
    page = opened(browser, written, java_script_enabled=False)

    assert page.locator("#numbers tbody tr").count() == 10
    assert page.locator("figure svg").count() >= 12
    assert not page.locator("#filter").is_visible()


def test_tabs_and_boxes_switch_without_script(browser: "Browser", written: ReportPaths) -> None:
    page = opened(browser, written, java_script_enabled=False)

    page.click("label[for=t-params-tab]")
    page.click("label[for=d-3]")

    assert page.locator("#tradeoffs .panel").nth(2).is_visible()
    assert page.locator(".boxes.v3").first.is_visible()
    assert not page.locator(".boxes.v0").first.is_visible()


def test_a_variant_unfolds_its_graph_without_script(
    browser: "Browser", written: ReportPaths
) -> None:
    page = opened(browser, written, java_script_enabled=False)
    graph = page.locator("#variant-yolov5p_convnext .net")

    folded = graph.is_visible()
    page.click("#variant-yolov5p_convnext > summary")

    assert (folded, graph.is_visible()) == (False, True)


def test_a_name_in_the_table_leads_to_its_unfolded_graph(
    browser: "Browser", written: ReportPaths
) -> None:
    page = opened(browser, written, java_script_enabled=False)

    page.click("#row-yolov5p_convnext a.name")

    assert page.locator("#variant-yolov5p_convnext .net").is_visible()
    assert not page.locator("#variant-yolov5p_repvit .net").is_visible()


def test_a_graph_scrolls_inside_itself_on_a_narrow_screen(
    browser: "Browser", written: ReportPaths
) -> None:
    page = opened(browser, written, width=400)

    page.click("#variant-yolov5p_convnext > summary")

    assert page.evaluate("document.documentElement.scrollWidth") == 400
    assert (
        page.evaluate("document.querySelector('#variant-yolov5p_convnext .graph').scrollWidth")
        > 400
    )


def test_a_graph_changes_its_ink_with_the_theme(browser: "Browser", written: ReportPaths) -> None:
    page = opened(browser, written, color_scheme="dark")
    ink = "getComputedStyle(document.querySelector('.net .box text')).fill"

    dark = page.evaluate(ink)
    page.click("[data-theme]")

    assert dark != page.evaluate(ink)


def test_print_keeps_what_was_unfolded_and_names_the_rest(
    browser: "Browser", written: ReportPaths
) -> None:
    page = opened(browser, written)
    page.click("#variant-yolov5p_convnext > summary")
    page.emulate_media(media="print")

    assert page.locator("#variant-yolov5p_convnext .net").is_visible()
    assert page.locator("#variant-yolov5p_repvit > summary").is_visible()
    assert not page.locator("#variant-yolov5p_repvit .net").is_visible()


def test_dark_follows_the_system_and_the_button(browser: "Browser", written: ReportPaths) -> None:
    page = opened(browser, written, color_scheme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    line = "getComputedStyle(document.querySelector('#tradeoffs text')).fill"

    dark = page.evaluate(f"[{paper}, {line}]")
    page.click("[data-theme]")
    light = page.evaluate(f"[{paper}, {line}]")

    assert dark[0] == "rgb(17, 22, 27)"
    assert light[0] == "rgb(246, 247, 248)"
    assert dark[1] != light[1], "the same drawing changes its ink"


def test_a_narrow_screen_scrolls_inside_its_tables_only(
    browser: "Browser", written: ReportPaths
) -> None:
    page = opened(browser, written, width=400)

    assert page.evaluate("document.documentElement.scrollWidth") == 400


def test_the_evidence_unfolds_without_script_and_scrolls_inside_itself(
    browser: "Browser", written: ReportPaths
) -> None:
    page = opened(browser, written, width=400, java_script_enabled=False)
    evidence = page.locator("#verdicts .evidence")

    folded = evidence.is_visible()
    page.click("#verdicts details summary")

    assert (folded, evidence.is_visible()) == (False, True)
    assert evidence.locator("tbody tr").count() > 20
    assert present(page.locator("body").bounding_box())["width"] == 400


def test_a_click_on_a_point_marks_the_row(browser: "Browser", written: ReportPaths) -> None:
    page = opened(browser, written)

    page.locator("#tradeoffs .panel:visible .tip[data-v=yolov5p_odconv4]").first.click(force=True)

    assert page.locator("#row-yolov5p_odconv4.hit").count() == 1


def test_the_visible_table_is_copied(browser: "Browser", written: ReportPaths) -> None:
    page = opened(browser, written)
    page.evaluate(
        "Object.defineProperty(navigator, 'clipboard', {value: {writeText: async (t) => { window.got = t; }}})"
    )
    page.fill("#filter", "convnext")

    page.click("[data-copy=markdown]")

    lines = page.evaluate("window.got").splitlines()
    assert lines[0].startswith("| Variant | Trains | AP |")
    assert [line.split(" | ")[0] for line in lines[2:]] == ["| yolov5p", "| yolov5p_convnext"]


def test_text_has_contrast_in_both_themes(browser: "Browser", written: ReportPaths) -> None:
    """WCAG 2: (L1 + 0.05) / (L2 + 0.05) of text on card and on page is at least 4.5."""
    for scheme in ("light", "dark"):
        page = opened(browser, written, color_scheme=scheme)
        names_ = ["fg", "muted", "better", "worse", "bad", "accent"]
        style = "getComputedStyle(document.documentElement).getPropertyValue('--' + n).trim()"
        values = page.evaluate(
            f"Object.fromEntries([...{names_}, 'card', 'bg', 'soft'].map(n => [n, {style}]))"
        )
        for name in names_:
            for paper in ("card", "bg", "soft"):
                assert _contrast(values[name], values[paper]) >= 4.5, (scheme, name, paper)


def _contrast(a: str, b: str) -> float:
    lighter, darker = sorted((_luminance(a), _luminance(b)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: str) -> float:
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
