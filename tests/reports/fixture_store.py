"""A made-up run in a real store: ten variants as a demo run has them, every number from a seeded generator."""

import base64
import io
import math
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from PIL import Image, ImageDraw

from suite.record import Failure, Form, Json, Measurement, Metric, Outcome, digest
from suite.spec.library import Library
from suite.spec.records.variant import Variant
from suite.spec.views.graph import vertices
from suite.stats.budget import Used
from suite.store import JobRecord, Store, VariantRecord
from suite.store.records import STRIDES

STEPS = 600
CATEGORIES = ["disc", "square", "triangle", "cross"]
SIZES = {"ap_small": 0.45, "ap_medium": 1.1, "ap_large": 1.35}


@dataclass(frozen=True)
class Sketch:
    """What the made-up variant is like; `ap50` near 0 is broken, None fails to build."""

    name: str
    title: str
    ap50: float | None
    params: int
    gmacs: float
    slower: float
    strides: tuple[int, ...] = (8, 16, 32)
    baseline: str = "yolov5p"
    control: str = ""
    thop: float = 1.01
    lost_seeds: tuple[int, ...] = ()
    merged: float = 1.0  # deployed parameters over trained
    like: str = "yolov5p"  # the shipped variant whose network it has
    replaced: tuple[str, ...] = ()  # convolutions that an edit puts ODConv in the place of
    recipe: str = ""  # that the variant needs
    step: str = ""  # of the ladder, where the variant stands on one
    side: bool = False  # a side branch of it
    trained: int = STEPS


DOWN = tuple(f"backbone.{layer}.conv" for layer in (1, 3, 5, 7))
MIXED = tuple(
    f"backbone.{layer}.blocks.{i}.mix.conv"
    for layer, n in ((2, 1), (4, 2), (6, 3), (8, 1))
    for i in range(n)
)
BASE = Sketch(
    "yolov5p", "YOLOv5 at a quarter of n's width", 0.702, 448_225, 0.4061, 1.0, baseline=""
)
VARIANTS = (
    Sketch("yolov5p_convnext", "ConvNeXt stages in the backbone", 0.688, 612_900, 0.5312, 1.42, thop=1.004,
           like="yolov5p_convnext"),
    Sketch("yolov5p_odconv1", "ODConv, 1 kernel, in the stride-2 layers", 0.715, 470_412, 0.4069, 1.37, thop=0.71,
           like="yolov5p_odconv_down_k1", replaced=DOWN),
    Sketch("yolov5p_odconv4", "ODConv, 4 kernels, in every 3x3", 0.733, 1_120_804, 0.4083, 1.78, thop=0.31,
           like="yolov5p_odconv_bottleneck_k4", replaced=MIXED),
    Sketch("yolov5p_odconv4_all", "ODConv, 4 kernels, everywhere", 0.741, 1_790_022, 0.4102, 2.31, thop=0.103,
           like="yolov5p_odconv_bottleneck_k4", replaced=(*DOWN, *MIXED)),
    Sketch("yolov5p_effnetv2", "EfficientNetV2 backbone, strides corrected", 0.665, 398_117, 0.3312, 1.21,
           like="yolov5p_efficientnetv2"),
    Sketch("yolov5p_effnetv2_printed", "EfficientNetV2 as printed: one level lost", 0.401, 371_004, 0.1518, 0.74,
           strides=(16, 32, 64), like="yolov5p_efficientnetv2_printed"),
    Sketch("yolov5p_repvit", "RepViT, branches merged when deployed", 0.671, 503_090, 0.3874, 1.103, merged=0.96,
           lost_seeds=(2,), like="yolov5p_repvit"),
    Sketch("yolov5p_ghost", "Ghost bottlenecks in the backbone", None, 0, 0, 1.0),
    Sketch("yolov5p_frozen", "A frozen random backbone: must not train", 0.009, 448_225, 0.4061, 1.001,
           control="broken", like="yolov5p_frozen"),
)  # fmt: skip

CLIMB = "A made-up climb"
LADDER = (
    Sketch("climb_patchify", "Patchify stem", 0.671, 440_000, 0.362, 0.9, step="patchify"),
    Sketch(
        "climb_depthwise",
        "Depthwise",
        0.612,
        402_000,
        0.301,
        0.8,
        baseline="climb_patchify",
        step="depthwise",
    ),
    Sketch(
        "climb_wide",
        "Wider by half",
        0.742,
        610_000,
        0.455,
        1.1,
        baseline="climb_depthwise",
        step="wide",
    ),
    Sketch("climb_gelu", "GELU", 0.748, 610_000, 0.455, 1.1, baseline="climb_wide", step="gelu"),
    Sketch(
        "climb_9x9",
        "9x9 kernels",
        0.745,
        628_000,
        0.49,
        1.3,
        baseline="climb_wide",
        step="kernel_9",
        side=True,
    ),
    Sketch(
        "climb_norms",
        "Fewer norms",
        0.802,
        608_000,
        0.455,
        1.0,
        baseline="climb_gelu",
        step="norms",
    ),
)

METRICS = (
    Metric("params", "parameters", "", "lower", 1, 0, "size"),
    Metric("gmacs", "multiply-adds", "GMACs", "lower", 1, 3, "compute"),
    Metric("ap", "AP", "", "higher", 1, 3, "accuracy"),
    Metric("ap50", "AP50", "", "higher", 1, 3, "accuracy"),
    Metric("latency_wall_ms", "latency", "ms", "lower", 1, 2, "latency"),
)
PROTOCOL: dict[str, Json] = {
    "name": "demo",
    "title": "Small variants on built-in data, which tells what trains from what is broken",
    "recipe": "tiny",
    "budget": {"steps": STEPS, "batch": 8},
    "seeds": [0, 1, 2],
    "image_size": 128,
    "latency": {"image_size": 128, "replicas": 3, "seconds": 4, "batch": 1, "threads": 1},
    "certifies": "what trains, what is broken, and large differences; not close rankings",
    "verdict": {
        "ap_floor": 0.004,
        "latency_floor": 0.02,
        "trains": 0.57,
        "broken": 0.15,
        "base_trains": 0.1,
    },
}
ENVIRONMENT: dict[str, Json] = {"torch": "2.14.1+cpu", "python": "3.11.7", "threads": 1}
MACHINE: dict[str, Json] = {
    "class": "Intel Xeon Platinum 8481C (6/143), 2 cores, no GPU",
    "cpu": "Intel Xeon Platinum 8481C (6/143)",
    "cores": 2,
    "memory_gib": 15.6,
    "libraries": {"torch": "2.14.1+cpu", "numpy": "2.4.6", "pycocotools": "2.0.11"},
}


@dataclass(frozen=True)
class Plan:
    """Which parts a store gets; the defaults make a complete demo run."""

    base: Sketch | None = BASE
    variants: tuple[Sketch, ...] = VARIANTS
    seeds: tuple[int, ...] = (0, 1, 2)
    replicas: int = 3
    train: bool = True
    latency: bool = True
    static: bool = True
    finished: bool = True
    data: bool = True
    # device, precision, and runtime unless it is eager
    devices: tuple[tuple[str, ...], ...] = (("cpu", "fp32"),)
    protocol: dict[str, Json] = field(default_factory=lambda: PROTOCOL)
    run_id: str = "2026-11-22T0301"
    dataset: str = "shapes-1"


def build(path: Path, plan: Plan | None = None) -> Path:
    """Write the store of `plan` to `path` through the store's own interface, with a fixed clock."""
    plan = plan or Plan()
    sketches = [s for s in (plan.base, *plan.variants) if s is not None]
    jobs = [job for sketch in sketches for job in _jobs(plan, sketch)]
    with Store.open(path) as store:
        run_id = store.begin_run(
            protocol="demo",
            protocol_json=plan.protocol,
            git="0123456789abcdef0123456789abcdef01234567",
            machine=MACHINE,
            dataset_fingerprint=plan.dataset,
            metrics=METRICS,
            variants=[_record(sketch) for sketch in sketches],
            jobs=jobs,
        )
        if plan.data:
            store.put_dataset(plan.dataset, _facts())
        by_name = {sketch.name: sketch for sketch in sketches}
        for job in jobs if plan.finished else jobs[: len(jobs) // 2]:
            store.put(run_id, job, _outcome(plan, by_name[job.variant], job))
        if plan.finished:
            store.finish_run(run_id)
        store._connection.execute(
            "UPDATE runs SET id = :new, started = '2026-11-22T03:01:07+00:00',"
            " finished = CASE finished WHEN '' THEN '' ELSE '2026-11-22T03:12:40+00:00' END"
            " WHERE id = :old",
            {"new": plan.run_id, "old": run_id},
        )
    return path


def add_artifact(path: Path, key: str, artifact: str) -> None:
    """As if the job had left this file too."""
    with Store.open(path) as store:
        store._connection.execute(
            "UPDATE outcomes SET artifacts = ? WHERE key = ?", (f'["{artifact}"]', key)
        )


def _record(sketch: Sketch) -> VariantRecord:
    print_ = digest([sketch.name])
    rung: Json = {"ladder": "climb", "title": CLIMB, "step": sketch.step, "side": sketch.side}
    return VariantRecord(
        sketch.name,
        sketch.title,
        "",
        sketch.baseline,
        sketch.baseline,
        sketch.control,
        print_,
        spec={
            **_network(sketch.like).architecture,
            **({"recipe": sketch.recipe} if sketch.recipe else {}),
            **({"ladder": rung} if sketch.step else {}),
        },
    )


def _jobs(plan: Plan, sketch: Sketch) -> list[JobRecord]:
    print_ = digest([sketch.name])

    def job(kind: str, seed: int | None = None, replica: int | None = None) -> JobRecord:
        key = digest([sketch.name, kind, seed, replica])
        return JobRecord(key, kind, sketch.name, print_, seed, replica)  # type: ignore[arg-type]

    found = [job("static")] if plan.static else []
    if plan.train:
        found += [job("train", seed=seed) for seed in plan.seeds]
    if plan.latency:
        found += [job("latency", replica=replica) for replica in range(plan.replicas)]
    return found


def _outcome(plan: Plan, sketch: Sketch, job: JobRecord) -> Outcome:
    failure = _failure(sketch, job)
    makers: dict[str, Callable[[], Sequence[Measurement]]] = {
        "static": lambda: _static(sketch),
        "train": lambda: _train(sketch, job.seed or 0),
        "latency": lambda: [
            m
            for device in plan.devices
            for m in (
                *_latency(sketch, job.replica or 0, *device),
                *_roof(sketch, job.replica or 0, *device),
            )
        ],
    }
    measured = () if failure else tuple(makers[job.kind]())
    return Outcome(job.key, measured, failure, "2026-11-22T03:02:00+00:00", 12.5, ENVIRONMENT)


def _failure(sketch: Sketch, job: JobRecord) -> Failure | None:
    if sketch.ap50 is None:
        return Failure(
            "build",
            "spec",
            "variants/yolov5p_ghost.yaml:4: no block file 'ghst'; did you mean 'ghost'?",
            "building yolov5p_ghost\nvariants/yolov5p_ghost.yaml:4: no block file 'ghst'; did you mean 'ghost'?",
        )
    if job.kind == "train" and job.seed in sketch.lost_seeds:
        log = (
            "\n".join(f"step {step}: loss {5 - step / 100:.3f}" for step in range(180, 200, 2))
            + "\nstep 201: loss nan"
        )
        return Failure(
            "train",
            "non-finite",
            f"{sketch.name}: loss became nan at step 201; try a lower rate",
            log,
        )
    return None


def _measure(
    metric: str,
    samples: Sequence[float],
    form: Form = "",
    notes: Mapping[str, Json] | None = None,
    **more: Json,
) -> Measurement:
    """A measurement whose notes are `notes` and `more`."""
    whole = {**(notes or {}), **more}
    return Measurement(metric, 1, "", form, tuple(samples), {"image_size": 640}, whole)


def _static(sketch: Sketch) -> list[Measurement]:
    replaced: list[Json] = [[path, "odconv.ODConv"] for path in sketch.replaced]
    found = [_measure(STRIDES, sketch.strides, warnings=[], replaced=replaced)]
    forms: tuple[tuple[Form, float], ...] = (
        ("trained", 1.0),
        ("deployed", sketch.merged * 0.995),
    )
    for form, factor in forms:
        params, gmacs = round(sketch.params * factor), round(sketch.gmacs * factor, 6)
        parts = {"backbone": 0.62, "neck": 0.31, "head": 0.07}
        stages = {"2": 0.03, "4": 0.09, "8": 0.2, "16": 0.28, "32": 0.33, "head": 0.07}
        for metric, total in (("params", params), ("gmacs", gmacs)):
            notes: dict[str, Json] = {
                "by_part": {part: share * total for part, share in parts.items()},
                "by_stage": {stage: share * total for stage, share in stages.items()},
            }
            if metric == "gmacs":
                notes["layers"] = _layers(sketch, params, total)
            found.append(_measure(metric, (total,), form, notes))
    found.append(_measure("gmacs_fvcore", (sketch.gmacs * 1.006,), "trained", ratio=1.006))
    found.append(
        _measure("gmacs_thop", (sketch.gmacs * sketch.thop,), "trained", _thop_notes(sketch))
    )
    return found


@cache
def _network(name: str) -> Variant:
    return Library().load(name)


def _layers(sketch: Sketch, params: int, gmacs: float) -> Json:
    """Every layer of the network that the sketch is like, with equal shares of the cost."""
    graph = vertices(_network(sketch.like).layers)
    strides = {-1: 1.0}
    found: list[Json] = []
    for position, vertex in enumerate(graph):
        scale = 2 if vertex.layer.block == "upsample.Upsample" else 1
        strides[position] = strides[vertex.sources[0]] * (vertex.layer.stride or 1) / scale
        body = vertex.layer.part != "head"
        line: dict[str, Json] = {"address": vertex.address, "block": vertex.layer.block}
        line |= {
            "stride": int(strides[position]) if body else None,
            "out_channels": vertex.layer.out,
        }
        line |= {"params": params // len(graph), "gmacs": round(gmacs / len(graph), 6)}
        line |= {"activations": 0.4, "hidden_gops": 0.001, "intensity": 12.5} | (
            {"field": 6 + 8 * position} if body else {}
        )
        found.append(line)
    return found


def _thop_notes(sketch: Sketch) -> dict[str, Json]:
    if sketch.thop > 0.99:
        return {"ratio": sketch.thop}
    missed = 1 - sketch.thop
    cause: dict[str, Json] = {
        "cause": "F.conv2d with computed weights",
        "gmacs": -round(sketch.gmacs * missed, 5),
    }
    cause |= {"layers": 11, "where": [*(f"backbone.{i}.conv" for i in (1, 3, 5, 7))]}
    return {
        "ratio": sketch.thop,
        "sentence": f"misses {missed:.0%}: F.conv2d with computed weights",
        "causes": [cause],
    }


def _train(sketch: Sketch, seed: int) -> list[Measurement]:
    assert sketch.ap50 is not None
    noise = random.Random(f"{sketch.name}{seed}")
    ap50 = max(sketch.ap50 + noise.gauss(0, 0.02 if sketch.ap50 > 0.1 else 0.001), 0.0)
    ap = ap50 * 0.54
    values = {
        "ap": ap,
        "ap50": ap50,
        "ap75": ap * 0.98,
        **{name: ap * factor for name, factor in SIZES.items()},
    }
    values |= {"ar_1": ap * 0.4, "ar_10": ap * 1.2, "ar_100": ap * 1.3}
    floor = 3.2 - 2.4 * sketch.ap50
    losses = [
        floor + (6 - floor) * math.exp(-step / 140) + noise.gauss(0, 0.18) * math.exp(-step / 900)
        for step in range(STEPS)
    ]
    return [
        *(
            _measure(name, (value,), notes=_accuracy_notes(sketch, seed, name))
            for name, value in values.items()
        ),
        *_errors(sketch, seed),
        _measure("loss_curve", losses, step=list(range(STEPS))),
        _measure("train_seconds", (31 * sketch.slower + noise.gauss(0, 1),)),
        _measure("train_steps", (sketch.trained,), notes=_budget(sketch, seed)),
        _measure("detections", (), pictures=_detections(sketch, noise)),
    ]


def _budget(sketch: Sketch, seed: int) -> dict[str, Json]:
    return Used(
        kind="steps",
        amount=sketch.trained,
        batch=8,
        steps=sketch.trained,
        images=8 * sketch.trained,
        flops=8 * sketch.trained * 6e9 * sketch.gmacs,
        seconds=31 * sketch.slower,
        end="budget",
        pictures=f"{seed:08x}",
    ).as_json


def _accuracy_notes(sketch: Sketch, seed: int, metric: str) -> dict[str, Json]:
    """What an evaluation notes beside AP and AP50."""
    noise = random.Random(f"classes {sketch.name}{seed}")
    by_class: dict[str, Json] = {
        name: max(noise.gauss(0.54 * (sketch.ap50 or 0), 0.05), 0.0) for name in CATEGORIES
    }
    if metric == "ap":
        proof: Json = {"with": "pycocotools 2.0.11", "largest_difference": 0.0}
        return {
            "evaluator": "fast",
            **({"agreement": proof} if seed == 0 and not sketch.baseline else {}),
            "by_class": by_class,
            "by_class_and_size": {
                "small": by_class,
                "medium": by_class,
                "large": dict.fromkeys(CATEGORIES),
            },
            "objects": {name: 300 + 7 * index for index, name in enumerate(CATEGORIES)},
        }
    recall: list[Json] = [round(0.05 * step, 2) for step in range(21)]
    mean: dict[str, Json] = {
        f"0.{iou}": [
            max(1 - (step / 21) ** 2 * (2 - (sketch.ap50 or 0)) - lower, 0.0) for step in range(21)
        ]
        for iou, lower in ((50, 0.0), (75, 0.2))
    }
    return {"precision_recall": {"recall": recall, "mean": mean}} if metric == "ap50" else {}


def _errors(sketch: Sketch, seed: int) -> list[Measurement]:
    noise = random.Random(f"errors {sketch.name}{seed}")
    left = 1 - (sketch.ap50 or 0)
    shares = {"missed": 0.3, "background": 0.12, "localisation": 0.2, "classification": 0.1, "duplicate": 0.02,
              "both": 0.01, "false_positives": 0.2, "false_negatives": 0.6}  # fmt: skip
    found = [
        _measure(
            f"lost_{kind}",
            (max(share * left + noise.gauss(0, 0.01), 0.0),),
            count=round(900 * share * left),
        )
        for kind, share in shares.items()
    ]
    bins: list[Json] = [
        [
            step / 20,
            (step + 1) / 20,
            2000 // (step + 1),
            step / 20 + 0.025,
            (step / 20 + 0.025) * (sketch.ap50 or 0),
        ]
        for step in range(20)
    ]
    return [*found, _measure("calibration_error", (0.1 * left,), bins=bins)]


def _latency(
    sketch: Sketch, replica: int, device: str, precision: str, runtime: str = "eager"
) -> list[Measurement]:
    """In other runtimes than eager, eager takes part, and half as long again."""
    noise = random.Random(f"{sketch.name}{replica}{device}{precision}")
    scale = 7.9 if device == "cpu" else 3.1 if precision == "fp32" else 2.4
    place = {role: noise.gauss(0, 0.004) for role in ("", "base_", "copy_")} | {"eager_": 0.0}
    roles = [("", sketch.slower), ("base_", 1.0), ("copy_", 1.0)]
    if runtime != "eager":
        roles.append(("eager_", 1.5 * sketch.slower))
    found: dict[str, list[float]] = {}
    calls: dict[str, list[Json]] = {}
    disturbed = {number for number in range(40) if noise.random() < 0.08}
    for number in range(40):
        weather = (1 + 0.03 * noise.expovariate(1.2)) * (1.3 if number in disturbed else 1.0)
        for role, factor in roles:
            time = scale * factor * (1 + place[role]) * weather * (1 + noise.gauss(0, 0.006))
            found.setdefault(f"latency_{role}wall_ms", []).append(round(time, 4))
            found.setdefault(f"latency_{role}cpu_ms", []).append(
                round(time * (0.99 + noise.gauss(0, 0.002)), 4)
            )
            for clock in ("wall", "cpu"):
                single = [round(time * (1 + 0.02 * noise.expovariate(1)), 4) for _ in range(4)]
                calls.setdefault(f"latency_{role}{clock}_ms", []).extend(single)
    settings: dict[str, Json] = {
        "image_size": 128,
        "batch": 1,
        "device": device,
        "precision": precision,
        "threads": 1,
    }
    settings |= {"runtime": runtime, "channels_last": True}
    kept: list[Json] = [number for number in range(40) if number not in disturbed]
    reason = "waited for a core" if device == "cpu" else "GPU slowed down: power cap"
    why: dict[str, Json] = {reason: len(disturbed)} if disturbed else {}
    notes: dict[str, Json] = {
        "stopped_by": "precision" if sketch.slower < 1.5 else "cap",
        "base": "yolov5p",
        "kept": kept,
        "set_aside": {
            "rounds": len(disturbed),
            "why": why,
            "rule": "a rule that is stated",
            "left_out": True,
        },
    }
    seen: dict[str, Json] = {
        "load": [0.4 + replica] * 40,
        "others": [0.05] * 40,
        "mhz": [2596.0, 3100.0] * 20,
    }
    if device != "cpu":
        seen |= {
            "sm_mhz": [1980.0] * 40,
            "celsius": [51.0] * 40,
            "throttle": [4.0 * (n in disturbed) for n in range(40)],
        }
    return [
        Measurement(
            name,
            2,
            "ms",
            "deployed",
            tuple(times),
            settings,
            {
                **notes,
                "calls_ms": calls[name],
                **({"seen": seen} if name == "latency_wall_ms" else {}),
            },
        )
        for name, times in found.items()
    ]


def _roof(
    sketch: Sketch, replica: int, device: str, precision: str, runtime: str = "eager"
) -> list[Measurement]:
    """The work that was timed, and beside a baseline what the machine can do; once."""
    if replica or runtime != "eager":
        return []
    settings: dict[str, Json] = {
        "image_size": 128,
        "batch": 1,
        "device": device,
        "precision": precision,
        "threads": 1,
    }
    gflop = sketch.gmacs * 2 / 25
    notes: dict[str, Json] = {"intensity": 30 * sketch.gmacs, "bytes": 1}
    found = [Measurement("timed_gflop", 1, "GFLOP", "deployed", (gflop,), settings, notes)]
    if not sketch.baseline:
        found.append(Measurement("peak_gflops", 1, "GFLOP/s", "", (183.0,), settings))
        found.append(Measurement("bandwidth_gbs", 1, "GB/s", "", (13.4,), settings))
    return found


def _scene(number: int) -> list[tuple[int, int, int, int, int]]:
    place = random.Random(number)
    return [
        (
            place.randrange(4, 84),
            place.randrange(4, 84),
            place.randrange(18, 40),
            place.randrange(18, 40),
            place.randrange(4),
        )
        for _ in range(6)
    ]


def _facts() -> dict[str, Json]:
    gallery: list[Json] = [
        {
            "id": number,
            "width": 128,
            "height": 128,
            "jpeg": _jpeg(number),
            "truth": [list(box) for box in _scene(number)],
        }
        for number in range(8)
    ]
    skipped: list[Json] = [{"kind": "box of zero size", "count": 2, "examples": ["17", "44"]}]
    return {
        "name": "shapes",
        "fingerprint": "5ba9e1c0",
        "categories": list(CATEGORIES),
        "train": {"images": 1000, "boxes": 6143, "crowds": 0, "empty": 3, "skipped": []},
        "val": {"images": 200, "boxes": 1209, "crowds": 0, "empty": 0, "skipped": skipped},
        "gallery": gallery,
    }


def _jpeg(number: int) -> str:
    noise = random.Random(number)
    image = Image.new("RGB", (128, 128), tuple(noise.randrange(60, 150) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(30):
        ends = [noise.randrange(128) for _ in range(4)]
        draw.line(ends, fill=tuple(noise.randrange(40, 180) for _ in range(3)))
    for x, y, width, height, label in _scene(number):
        shade = tuple(noise.randrange(90, 256) for _ in range(3))
        box = (x, y, x + width, y + height)
        if label == 0:
            draw.ellipse(box, fill=shade)
        elif label == 1:
            draw.rectangle(box, fill=shade)
        elif label == 2:
            draw.polygon([(x, y + height), (x + width, y + height), (x + width / 2, y)], fill=shade)
        else:
            draw.line((x, y, x + width, y + height), fill=shade, width=7)
            draw.line((x, y + height, x + width, y), fill=shade, width=7)
    target = io.BytesIO()
    image.save(target, "JPEG", quality=80)
    return base64.b64encode(target.getvalue()).decode()


def _detections(sketch: Sketch, noise: random.Random) -> Json:
    assert sketch.ap50 is not None
    pictures: list[Json] = []
    for number in range(8):
        boxes: list[Json] = []
        for x, y, width, height, label in _scene(number):
            if noise.random() < sketch.ap50 + 0.15:
                jitter = [noise.gauss(0, 1.5) for _ in range(4)]
                score = round(min(0.3 + 0.65 * noise.random(), 0.98), 3)
                boxes.append(
                    [
                        x + jitter[0],
                        y + jitter[1],
                        width + jitter[2],
                        height + jitter[3],
                        score,
                        label,
                    ]
                )
        pictures.append({"id": number, "boxes": boxes})
    return pictures
