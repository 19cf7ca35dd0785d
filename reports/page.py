"""One self-contained page from one run of a store, with the same figures as CSV and Markdown beside it."""

from dataclasses import dataclass
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from reports.export import csv_text, markdown_text
from reports.figures.theme import look
from reports.model import Report
from reports.run import headline
from reports.run.gather import gather
from reports.run.tiles import tiles
from reports.section import Section
from reports.sections import ORDER
from suite.files import replacing

_HERE = Path(__file__).parent
_POLICY = Markup(
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
)


@dataclass(frozen=True, slots=True)
class ReportPaths:
    """What was written."""

    index: Path
    csv: Path
    markdown: Path


def write(store_path: Path, run_id: str, out_dir: Path) -> ReportPaths:
    """Write `index.html`, `results.csv` and `report.md` of one run; each file is replaced whole or not at all.

    Args:
        store_path: the store; it is only read.
        run_id: a run's id, or "latest".
        out_dir: created where it is missing.

    Raises:
        StoreError: there is no store, or no such run in it.
    """
    report = gather(store_path, run_id)
    paths = ReportPaths(out_dir / "index.html", out_dir / "results.csv", out_dir / "report.md")
    out_dir.mkdir(parents=True, exist_ok=True)
    _replace(paths.csv, csv_text(report))
    _replace(paths.markdown, markdown_text(report))
    _replace(paths.index, html(report))
    return paths


def html(report: Report) -> str:
    """The page. Equal reports give equal text: nothing in it is of now or of this machine.

    Every section module builds its numbers and drawings, its template of the same name places them, and `page.html.j2`
    holds all; a section that has nothing to show becomes a line at the end. Styles, scripts and drawings are inside,
    so that one file can be sent, and the page forbids the browser to load anything else.
    """
    environment = Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,  # for every template, whatever its suffix: names and titles come from users' files
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    with look():
        sections = [builder.build(report) for builder in ORDER]
    failed = sum(bool(row.failures) for row in report.rows)
    shown = [section for section in sections if not section.missing]
    own_css = Markup("".join(section.css for section in sections))  # noqa: S704  (numbers only)
    return environment.get_template("page.html.j2").render(
        title=headline.title(report),
        policy=_POLICY,
        sentences=headline.sentences(report),
        context=headline.context(report),
        certificate=headline.certificate(report),
        tiles=tiles(report),
        sections=[_rendered(environment, section, failed) for section in shown],
        absent=[section for section in sections if section.missing],
        css=_asset("report.css") + _asset("network.css") + own_css,
        js=_asset("report.js"),
    )


def _rendered(environment: Environment, section: Section, failed: int) -> dict[str, object]:
    body = environment.get_template(f"{section.id}.html.j2").render(section.content)
    return {
        "id": section.id,
        "title": section.title,
        "short": section.short,
        "count": failed if section.id == "failures" else 0,
        "aid": section.aid,
        "html": Markup(body),  # noqa: S704  (rendered with autoescape a line above)
    }


def _asset(name: str) -> Markup:
    return Markup((_HERE / "assets" / name).read_text(encoding="utf-8"))  # noqa: S704  (our own file)


def _replace(path: Path, text: str) -> None:
    """Whoever has the old file open keeps it; a kill leaves the old one."""
    with replacing(path, size=len(text.encode())) as part:
        part.write_text(text, encoding="utf-8", newline="")
