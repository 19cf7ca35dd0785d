"""The wheel, built from the source archive and installed where no checkout is: a whole `ablation` in any folder.

Nothing is downloaded: what the suite needs is borrowed from the environment that runs the tests.
"""

import json
import os
import re
import shutil
import site
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from suite.shipped import SHIPPED
from suite.spec.library import VARIANTS, Library

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "language.md").read_text()
SOURCES = (
    *("suite", "reports", "variants", "schema", "constraints.txt"),
    *("setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "CHANGELOG.md", "LICENSE"),
)
MINE = "base: yolov5n\nedits: [{replace: {block: sppf.SPPF, count: 1}, with: {block: conv.Conv}}]\n"

pytestmark = pytest.mark.slow


def run(*words: str | Path, folder: Path) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return subprocess.run(
        list(map(str, words)),
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the unpacked source archive, so that what only the checkout has is missed here."""
    checkout, built = tmp_path_factory.mktemp("checkout"), tmp_path_factory.mktemp("built")
    for name in SOURCES:
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, checkout / name)
    code = f"from setuptools.build_meta import build_sdist; build_sdist({str(built)!r})"
    packed = run(sys.executable, "-c", code, folder=checkout)
    assert packed.returncode == 0, packed.stderr
    (archive,) = built.glob("*.tar.gz")
    pip = (
        sys.executable,
        "-m",
        "pip",
        "wheel",
        "--no-index",
        "--no-deps",
        "--no-build-isolation",
        "-w",
        built,
    )
    made = run(*pip, archive, folder=built)
    assert made.returncode == 0, made.stderr
    (file,) = built.glob("*.whl")
    return file


@pytest.fixture(scope="module")
def ablation(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command of an environment in which the wheel alone is installed, beside the libraries of this one."""
    place = tmp_path_factory.mktemp("environment")
    venv.create(place, with_pip=False)
    python = place / "bin" / "python"
    made = run(
        *(
            sys.executable,
            "-m",
            "pip",
            "--python",
            python,
            "install",
            "--no-index",
            "--no-deps",
            wheel,
        ),
        folder=place,
    )
    assert made.returncode == 0, made.stderr
    (packages,) = place.glob("lib/python*/site-packages")
    # a line of a .pth file is searched last, and the editable install's own .pth files are not read
    (packages / "borrowed.pth").write_text("\n".join(site.getsitepackages()))
    return place / "bin" / "ablation"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty one, as the working folder."""
    return tmp_path


def test_the_wheel_holds_every_file_that_is_no_python(wheel: Path) -> None:
    kept = {
        path.relative_to(ROOT).as_posix(): path
        for package in ("suite", "reports")
        for path in (ROOT / package).rglob("*")
        if path.suffix in {".yaml", ".html", ".css", ".js", ".json", ".svg"}
    }
    shipped = [
        *SHIPPED.glob("variants/**/*.yaml"),
        *SHIPPED.glob("schema/*"),
        SHIPPED / "constraints.txt",
    ]
    kept |= {f"suite/_shipped/{path.relative_to(SHIPPED).as_posix()}": path for path in shipped}

    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        assert not set(kept) - names
        assert all(archive.read(name) == path.read_bytes() for name, path in kept.items())


def test_the_wheel_holds_nothing_beside_the_packages(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        tops = {name.partition("/")[0] for name in archive.namelist()}

    assert {re.sub(r"-.*", "", top) for top in tops} == {
        "suite",
        "reports",
        "yolov5_ablation_suite",
    }


def test_it_is_the_wheel_that_runs(ablation: Path, folder: Path) -> None:
    ended = run(
        ablation.with_name("python"), "-c", "import suite; print(suite.__file__)", folder=folder
    )

    assert Path(ended.stdout).is_relative_to(ablation.parents[1])


def test_list_in_an_empty_folder_has_every_shipped_variant(ablation: Path, folder: Path) -> None:
    ended = run(ablation, "list", "--json", folder=folder)

    assert ended.returncode == 0, ended.stderr
    assert {variant["name"] for variant in json.loads(ended.stdout)["data"]} == set(
        Library((VARIANTS,)).names()
    )


def test_doctor_knows_the_versions_and_no_checkout(ablation: Path, folder: Path) -> None:
    ended = run(ablation, "doctor", "--json", folder=folder)

    findings = {
        finding["what"]: finding for finding in json.loads(ended.stdout)["data"]["findings"]
    }
    assert "tested together" in findings["versions"]["found"]
    assert findings["code"]["found"] == "no git checkout"


def test_the_smoke_run_ends_with_a_page(ablation: Path, folder: Path) -> None:
    ended = run(ablation, "run", "--protocol", "smoke", folder=folder)

    assert ended.returncode == 0, ended.stderr
    assert (folder / "out" / "report" / "index.html").is_file()


def test_the_variants_of_the_folder_are_found_beside_the_shipped_ones(
    ablation: Path, folder: Path
) -> None:
    (folder / "variants").mkdir()
    (folder / "variants" / "yolov5n_mine.yaml").write_text(MINE)

    checked = run(ablation, "check", "--build", "yolov5n_mine", folder=folder)
    listed = run(ablation, "list", "yolov5n", "yolov5n_mine", folder=folder)

    assert checked.returncode == listed.returncode == 0, checked.stdout + listed.stderr
    assert "yolov5n_mine\t" in listed.stdout


def test_a_shipped_name_in_the_folder_is_an_error_that_names_both_files(
    ablation: Path, folder: Path
) -> None:
    (folder / "variants").mkdir()
    (folder / "variants" / "yolov5s.yaml").write_text(MINE)

    ended = run(ablation, "run", "--protocol", "smoke", folder=folder)

    assert ended.returncode == 2
    assert "variants/yolov5s.yaml:1:1: error E208: the name 'yolov5s' is taken by " in ended.stderr
    assert "_shipped/variants/yolov5s.yaml" in ended.stderr


def test_new_writes_into_the_folder_s_variants(ablation: Path, folder: Path) -> None:
    made = run(
        ablation,
        "new",
        "yolov5n_mine",
        "--like",
        "yolov5s_cbam",
        "--base",
        "yolov5n",
        folder=folder,
    )
    shown = run(ablation, "show", "yolov5n_mine", folder=folder)

    assert made.returncode == shown.returncode == 0, made.stderr + shown.stderr
    text = (folder / "variants" / "yolov5n_mine.yaml").read_text()
    schema = re.match(r"# yaml-language-server: \$schema=(.*)\n", text)
    assert schema
    assert (folder / "variants" / schema[1]).read_bytes() == (
        SHIPPED / "schema" / "variant.schema.json"
    ).read_bytes()


def test_a_block_of_the_folder_s_own_works(ablation: Path, folder: Path) -> None:
    """The page's example, word for word."""
    for name, language in (("ripple.py", "python"), ("yolov5s_ripple.yaml", "yaml")):
        text = re.search(
            rf"`{re.escape(name)}`[^\n]*:\n\n```{language}\n(.*?)^```$",
            PAGE,
            re.MULTILINE | re.DOTALL,
        )
        assert text
        (folder / "variants").mkdir(exist_ok=True)
        (folder / "variants" / name).write_text(text[1])

    ended = run(ablation, "check", "--build", "yolov5s_ripple", folder=folder)

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "using the blocks of variants/ripple.py, which lies in this project" in ended.stderr
