"""The code of docs/python.md, as a reader would run it."""

import re
from pathlib import Path

import pytest

PAGE = Path(__file__).parents[2] / "docs" / "python.md"
QUICK = """\
title: The page's code in seconds
certifies: nothing
data: {train: 4, val: 2, size: 64, seed: 0}
device: cpu
image_size: 64
variants: [yolov5p]
seeds: [0]
recipe: tiny
budget: {steps: 2, batch: 2}
evaluation: {confidence: 0.001, iou: 0.6, max_detections: 10}
metrics: [size, flops, latency, accuracy]
cost: {image_size: 64}
latency:
  {setups: [cpu-fp32], image_size: 64, batch: 1, threads: 1, replicas: 1, seconds: 0.2, half_width: 0.5}
parallel: 2
timeouts: {static: 120, latency: 120, train: 300}
verdict: {ap_floor: 0.004, latency_floor: 0.02, trains: 0.57, broken: 0.15, base_trains: 0.1}
"""


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
