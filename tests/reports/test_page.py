"""What every page promises, whatever was measured."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import pytest

from reports.page import ReportPaths, write
from reports.sections import ORDER
from tests.reports import fixture_store
from tests.reports.fixture_store import BASE, VARIANTS, Plan

VOID = {"meta", "input", "link", "br", "img", "hr"}
FEW = VARIANTS[:1]


class Outline(HTMLParser):
    """Collects ids, links and tags that are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.wrong: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.headings: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if anchor := values.get("id"):
            self.ids.append(anchor)
        self.links += [value for key, value in attrs if key in {"href", "src"} and value]
        if tag not in VOID:
            self.open.append(tag)
        if tag in {"h1", "h2"}:
            self.headings.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.wrong.append(f"{tag} at {self.getpos()}")


def outline(page: str) -> Outline:
    found = Outline()
    found.feed(page)
    found.close()
    return found


def made(folder: Path, plan: Plan) -> str:
    paths = write(fixture_store.build(folder / "store.sqlite", plan), "latest", folder / "report")
    return paths.index.read_text(encoding="utf-8")


def words(page: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.split("<main", 1)[1]))


def test_the_title_is_the_verdict(page: str) -> None:
    title = re.search(r"<title>(.*?)</title>", page)

    assert title is not None
    assert (
        title[1]
        == "0 of 8 variants more accurate than yolov5p, 1 less accurate, 6 cannot tell, 1 failed"
    )


def test_every_tag_is_closed_in_order(page: str) -> None:
    found = outline(page)

    assert (found.wrong, found.open) == ([], [])


def test_no_id_is_used_twice(page: str) -> None:
    ids = outline(page).ids

    assert sorted(ids) == sorted(set(ids))


def test_every_link_inside_the_page_has_a_target(page: str) -> None:
    found = outline(page)

    assert {link[1:] for link in found.links if link.startswith("#")} <= set(found.ids)


def test_nothing_outside_the_folder_is_referred_to(page: str) -> None:
    others = {
        link
        for link in outline(page).links
        if not link.startswith(("#", "data:image/jpeg;base64,"))
    }

    assert others == {"results.csv", "report.md"}
    assert not re.search(r"https?://|url\((?!#)|@import", page), (
        "no address of another machine in the page"
    )


def test_the_page_forbids_the_browser_to_load_anything(page: str) -> None:
    policy = (
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:"
    )

    assert f'<meta http-equiv="Content-Security-Policy" content="{policy}">' in page


def test_a_demo_run_stays_within_its_size_and_node_budget(written: ReportPaths, page: str) -> None:
    assert written.index.stat().st_size < 1.5 * 2**20
    assert page.count("<") - page.count("</") < 25_000


def test_the_landmarks_and_the_language_are_there(page: str) -> None:
    assert '<html lang="en">' in page
    assert all(f"<{landmark}" in page for landmark in ("nav", "main", "header", "footer"))
    assert outline(page).headings.count("h1") == 1


def test_equal_stores_give_equal_bytes(tmp_path: Path) -> None:
    plan = Plan(variants=FEW)

    assert made(tmp_path / "a", plan) == made(tmp_path / "b", plan)


def test_a_page_is_replaced_whole(tmp_path: Path) -> None:
    made(tmp_path, Plan(variants=FEW, train=False, latency=False))

    assert sorted(path.name for path in (tmp_path / "report").iterdir()) == [
        "index.html",
        "report.md",
        "results.csv",
    ]


HOSTILE = (
    "<script>alert(1)</script>",
    "a$x_$b $$ _leading %s {{ 7*7 }}",
    '"><img src=x onerror=alert(1)>',
    "]]></style></script><b>",
    "tab\tnull\x00bell\x07 \u202e",
)


def test_hostile_titles_and_names_are_inert(tmp_path: Path) -> None:
    hostile = tuple(
        replace(VARIANTS[index % 2], name=f"yolov5p_$a_$b{index}", title=text)
        for index, text in enumerate(HOSTILE)
    )

    page = made(
        tmp_path, Plan(variants=(*hostile, replace(VARIANTS[-2], title=HOSTILE[0])), latency=False)
    )

    found = outline(page)
    assert (found.wrong, found.open) == ([], [])
    assert page.count("<script") == 2
    assert "<img" not in page
    assert "{{ 7*7 }}" in page
    assert "yolov5p_$a_$b4</text>" in page


MISSING = {
    "no training": Plan(variants=FEW, train=False),
    "no latency": Plan(variants=FEW, latency=False),
    "nothing counted": Plan(variants=FEW, static=False),
    "no data": Plan(variants=FEW, data=False),
    "one seed, one process": Plan(variants=FEW, seeds=(0,), replicas=1),
    "no base": Plan(base=None, variants=FEW),
    "only the base": Plan(variants=()),
    "not finished": Plan(variants=FEW, finished=False),
    "everything failed": Plan(
        base=replace(BASE, ap50=None), variants=(replace(FEW[0], ap50=None),)
    ),
    "no variant at all": Plan(base=None, variants=()),
    "base learned nothing": Plan(base=replace(BASE, ap50=0.04), variants=FEW),
    "GPU": Plan(
        variants=FEW, train=False, devices=(("cpu", "fp32"), ("cuda", "fp32"), ("cuda", "fp16"))
    ),
}
TITLES = {
    "no training": "0 of 1 variant faster than yolov5p, 1 slower; accuracy not measured",
    "no latency": "0 of 1 variant more accurate than yolov5p, 1 cannot tell",
    "one seed, one process": "0 of 1 variant more accurate than yolov5p, 1 cannot tell",
    "no base": "1 network measured; the run has no base with variants to compare",
    "only the base": "1 network measured; the run has no base with variants to compare",
    "everything failed": "The variant failed",
    "no variant at all": "This run holds no variant",
    "base learned nothing": "The base yolov5p does not train here: nothing can be said about accuracy",
    "GPU": "0 of 1 variant faster than yolov5p, 1 slower; accuracy not measured",
}


@pytest.mark.parametrize("what", MISSING)
def test_every_section_survives(what: str, tmp_path: Path) -> None:
    page = made(tmp_path, MISSING[what])
    found = outline(page)

    assert (found.wrong, found.open) == ([], [])
    absent = page.partition('<section id="absent"')[2]
    assert found.headings.count("h2") - bool(absent) + absent.count("<dt>") == len(ORDER)
    assert f"<title>{TITLES.get(what, '')}" in page


def test_a_gap_is_explained(tmp_path: Path) -> None:
    text = words(made(tmp_path, MISSING["no training"]))

    assert "Nothing was trained in this run." in text
    assert "There is no accuracy to set against a cost in this run:" in text


def test_an_unfinished_run_says_so(tmp_path: Path) -> None:
    text = words(made(tmp_path, MISSING["not finished"]))

    assert "⚠ The run has not finished: 7 jobs of 14 without a result." in text


def test_gpu_times_stand_under_their_own_heading(tmp_path: Path) -> None:
    page = made(tmp_path, MISSING["GPU"])

    assert all(
        f"<h3>{title}</h3>" in page for title in ("CPU, fp32, 1 thread", "cuda, fp32", "cuda, fp16")
    )
    assert 'data-k="cpu:cuda-fp16"' not in page
    assert 'data-k="latency:cuda-fp16"' in page


def test_the_failures_section_says_stage_code_log_and_command(page: str) -> None:
    text = words(page)

    assert "non-finite yolov5p_repvit stage train: train seed 2" in text
    assert "step 201: loss nan" in text
    assert "python run_suite.py run yolov5p_repvit --protocol demo" in text
    assert text.count("no block file &#39;ghst&#39;") == 2, (
        "seven jobs that fail alike are told once, and in one log"
    )


def test_the_protocol_says_what_the_run_certifies(page: str) -> None:
    text = words(page)

    assert "What trains, what is broken, and large differences; not close rankings." in text
    assert "Control yolov5p_frozen called broken, as it must be: this run can tell." in text
    assert "strides 16, 32, 64 unlike the base&#39;s 8, 16, 32" in text


def test_a_control_that_is_not_called_broken_is_told_loudly(tmp_path: Path) -> None:
    healthy = replace(VARIANTS[-1], ap50=0.69)

    text = words(made(tmp_path, Plan(variants=(*FEW, healthy), latency=False)))

    assert (
        "⚠ Control yolov5p_frozen must be broken and was called &#39;trains&#39;: trust nothing here."
        in text
    )


def test_each_picture_is_in_the_page_once(page: str) -> None:
    assert page.count("data:image/jpeg;base64,") == 8
    assert page.count('class="boxes v8"') == 8


def test_the_counters_disagreement_has_its_cause(page: str) -> None:
    assert "misses 90%: F.conv2d with computed weights" in words(page)


def test_the_command_that_measures_again_names_every_seed(page: str) -> None:
    [command] = [
        line for line in re.findall(r"<code>([^<]*)</code>", page) if line.endswith("--seeds 0,1,2")
    ]

    assert command.startswith("python run_suite.py run yolov5p ")


def test_what_a_run_does_not_hold_is_one_line_at_the_end_and_not_in_the_navigation(
    page: str,
) -> None:
    navigation, _, rest = page.partition("</nav>")
    last = rest.split("<section ")[-1]

    assert 'href="#ladders"' not in navigation
    assert "Step by step This run holds no ladder" in words(f"<main>{last}")


def test_every_plot_has_words_for_those_who_do_not_see_it(page: str) -> None:
    drawings = re.findall(r"<svg [^>]*>", page)

    assert all(
        'aria-hidden="true"' in d or ('role="img"' in d and "aria-label=" in d) for d in drawings
    )


def test_every_variant_has_a_view_with_what_differs_and_its_layers(page: str) -> None:
    section = page.partition('<section id="variants"')[2].partition("</section>")[0]
    views = [
        view.partition('">') for view in section.split('<details class="variant" id="variant-')[1:]
    ]
    text = {name: words(f"<main{body}") for name, _, body in views}

    assert len(views) == 10
    assert "≠ backbone.7 c3.C3 → convnext.ConvNeXt" in text["yolov5p_convnext"]
    assert (
        "odconv.ODConv in the place of 4 convolutions: backbone.1.conv" in text["yolov5p_odconv1"]
    )
    assert "freeze [backbone, neck]" in text["yolov5p_frozen"]
    assert "strides 16, 32, 64 unlike the base&#39;s 8, 16, 32" in text["yolov5p_effnetv2_printed"]
    assert "backbone.0 conv.Conv 2 8 " in text["yolov5p"]


def test_a_variant_that_was_not_built_has_no_drawing(page: str) -> None:
    view = page.partition('id="variant-yolov5p_ghost"')[2].partition("</details>")[0]

    assert "It was not built, so there is no drawing." in view
    assert "build failed (spec): see Failures" in view
    assert "<svg" not in view
    assert page.count('class="net"') == 9


def test_a_run_of_many_variants_leaves_the_tables_of_layers_out(tmp_path: Path) -> None:
    many = tuple(replace(FEW[0], name=f"yolov5p_convnext_{i}") for i in range(40))

    page = made(tmp_path, Plan(variants=many, train=False, latency=False))

    assert page.count('class="net"') == 41
    assert "<code>run_suite.py show NAME --layers</code> prints one" in page
    assert "Layers of yolov5p_convnext_3" not in page
    assert len(page.encode()) < 1.5 * 2**20


def test_a_variant_that_needs_another_recipe_says_so(tmp_path: Path) -> None:
    page = made(
        tmp_path, Plan(variants=(replace(VARIANTS[0], recipe="scratch-low"),), latency=False)
    )

    assert "needs the recipe scratch-low: accuracy not judged" in words(page)
