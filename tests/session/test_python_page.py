"""The code of docs/python.md, as a reader would run it."""

import re
from pathlib import Path

import pytest

from tests.small_runs import protocol_text

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
QUICK = protocol_text(
    data="{train: 4, val: 2, size: 64, seed: 0}",
    variants="[yolov5p]",
    seeds="[0]",
    metrics="[size, flops, latency, accuracy]",
)


@pytest.mark.slow
def test_the_code_of_the_page_runs_from_top_to_bottom(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    Path("quick.yaml").write_text(QUICK)
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)
    code = "\n".join(blocks).replace('"smoke"', '"quick.yaml"')

    names: dict[str, object] = {"__name__": "page"}
    exec(compile(code, str(PAGE), "exec"), names)

    told = capsys.readouterr().out
    assert "[6/6] train yolov5p_convnext, seed 0: done in" in told
    assert str(names["done"]) == "6 done, 0 stored before, 0 failed"
    assert "1 seed: ranking not supported; a verdict needs 3" in told
    assert "did you mean 'yolov5p_convnext'?" in told
