"""What any file in the place of weights must lead to: it loads, or one line says why not; nothing of it is executed.

Every file is made here, by hand or by torch from classes that are not its own.
"""

import io
import json
import pickle
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from suite.cli.main import main
from suite.nn.detector import Detector, build
from suite.nn.weights.checkpoint import about_file, save_checkpoint
from suite.nn.weights.inert import InertUnpickler
from suite.nn.weights.pickles import WeightsError
from suite.nn.weights.transfer import start_from
from suite.spec.library import Library
from suite.spec.records.variant import Variant
from tests.nn.reference_checkpoint import reference_state, write_archive
from tests.nn.saved_networks import network, write

CANARY = "canary"  # a file that would be there if anything of a file was executed
CLASSES = 2
MAGIC = pickle.dumps(0x1950A86A20F9469CFC6C, 2) + pickle.dumps(1001, 2) + pickle.dumps({}, 2)
Make = Callable[[Path, Detector], object]


class Harm:
    """Calls `function` with `arguments` when it is unpickled."""

    def __init__(self, function: object, *arguments: object) -> None:
        self.reduced = (function, arguments)

    def __reduce__(self) -> Any:
        return self.reduced


def harm() -> Harm:
    return Harm(Path.touch, Path(CANARY))


def code_in(*instructions: bytes) -> bytes:
    """A pickle of protocol 2 from its instructions."""
    return b"\x80\x02" + b"".join(instructions) + b"."


def named(module: str, name: str) -> bytes:
    return pickle.GLOBAL + f"{module}\n{name}\n".encode()


def text(value: str) -> bytes:
    return pickle.BINUNICODE + struct.pack("<I", len(value.encode())) + value.encode()


def call(module: str, name: str, *arguments: bytes) -> bytes:
    return named(module, name) + b"(" + b"".join(arguments) + b"tR"


TOUCH = f"open({CANARY!r}, 'w')"
OBJECT = named("models.yolo", "Model") + b")\x81"


def pickled(content: bytes) -> Make:
    """A file of torch whose pickle is this."""
    return lambda path, _: write_archive(path, content, {})


def plain(content: bytes) -> Make:
    """A file that holds exactly this."""
    return lambda path, _: path.write_bytes(content)


def legacy(content: bytes) -> Make:
    return plain(MAGIC + content)


def cyclic(path: Path, _: Detector) -> None:
    """A module that is its own child."""
    state = text("_modules") + b"}" + text("0") + b"h\x00ss"
    write_archive(path, code_in(OBJECT, b"q\x00}", state, b"b"), {})


def nested(path: Path, _: Detector) -> None:
    """A thousand modules within each other."""
    inner = b"}"
    for _depth in range(1000):
        inner = b"}" + text("_modules") + b"}" + text("0") + OBJECT + inner + b"bss"
    write_archive(path, code_in(OBJECT, inner, b"b"), {})


def bushy(path: Path, _: Detector) -> None:
    """Thirty modules of which each holds the next one twice: a billion paths."""
    content = OBJECT + b"q\x00"
    for depth in range(1, 31):
        child = b"h" + bytes([depth - 1])
        both = b"}" + text("a") + child + b"s" + text("b") + child + b"s"
        content += OBJECT + b"}" + text("_modules") + both + b"sbq" + bytes([depth])
    write_archive(path, code_in(content), {})


def storage(key: str, count: int, kind: str = "FloatStorage") -> bytes:
    pid = text("storage") + named("torch", kind) + text(key) + text("cpu")
    return b"(" + pid + pickle.LONG1 + b"\x08" + struct.pack("<q", count) + b"tQ"


def tensor(key: str, count: int, shape: bytes, steps: bytes = b"K\x01\x85") -> bytes:
    return call("torch._utils", "_rebuild_tensor_v2", storage(key, count), b"K\x00", shape, steps)


def of_tensor(made: bytes) -> bytes:
    return code_in(b"}", text("model.0.conv.weight"), made, b"s")


def compressed(path: Path, _: Detector) -> None:
    """A zip that unpacks to far more than it is."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a/data.pkl", of_tensor(tensor("0", 2**24, b"J\0\0\0\x01\x85")))
        archive.writestr("a/data/0", bytes(2**26))


def shared(path: Path, _: Detector) -> None:
    """One storage that a thousand tensors claim as theirs."""
    values = b"".join(
        text(f"model.{n}.weight") + tensor("0", 1024, b"M\x00\x04\x85") + b"s" for n in range(1000)
    )
    write_archive(path, code_in(b"}", values), {"0": torch.zeros(1024)})


def scalar_head(path: Path, _: Detector) -> None:
    """A head of a number of classes that nobody has memory for."""
    write(
        path, {"model.24.anchors": torch.zeros(3, 1, 2), "model.24.m.0.bias": torch.zeros(200_000)}
    )


def empty_head(path: Path, _: Detector) -> None:
    write(path, {"model.24.anchors": torch.zeros(3, 0, 2), "model.24.m.0.bias": torch.zeros(4)})


def own(facts: Callable[[dict[str, Any]], object]) -> Make:
    """A checkpoint of ours whose JSON file says something else."""

    def make(path: Path, model: Detector) -> None:
        save_checkpoint(path.with_suffix(".safetensors"), model, {})
        about = about_file(path.with_suffix(".safetensors"))
        about.write_text(json.dumps(facts(json.loads(about.read_text()))))

    return make


def own_bytes(content: bytes, about: bytes = b"{}") -> Make:
    def make(path: Path, _: Detector) -> None:
        path = path.with_suffix(".safetensors")
        path.write_bytes(content)
        about_file(path).write_bytes(about)

    return make


def cut(path: Path, model: Detector) -> None:
    write(path, {"model": network(reference_state(model))})
    path.write_bytes(path.read_bytes()[:-1000])


def flipped(path: Path, model: Detector) -> None:
    """One bit of a stored tensor."""
    write(path, {"model": network(reference_state(model))})
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)


def fortran(path: Path, model: Detector) -> None:
    """Tensors that lie in memory in another order: nothing is wrong with them."""
    state = reference_state(model)
    write(
        path,
        {
            name: value.t().contiguous().t() if value.ndim == 2 else value
            for name, value in state.items()
        },
    )


def lone_surrogate(path: Path, _: Detector) -> None:
    name = "model.0.\ud800".encode("utf-8", "surrogatepass")
    word = pickle.BINUNICODE + struct.pack("<I", len(name)) + name
    write_archive(
        path, code_in(b"}", word, tensor("0", 1, b"K\x01\x85"), b"s"), {"0": torch.zeros(1)}
    )


FILES: dict[str, Make] = {
    # what would do harm if it was believed
    "system": pickled(code_in(call("os", "system", text(f"touch {CANARY}")))),
    "posix system": pickled(code_in(call("posix", "system", text(f"touch {CANARY}")))),
    "eval": pickled(code_in(call("builtins", "eval", text(TOUCH)))),
    "exec of protocol 2": pickled(code_in(call("__builtin__", "exec", text(TOUCH)))),
    "getattr": pickled(code_in(call("builtins", "getattr", named("os", "path"), text("os")))),
    "touch in a dictionary": lambda path, _: write_archive(
        path, pickle.dumps({"model": harm()}), {}
    ),
    "touch before torch 1.6": legacy(pickle.dumps(harm(), 2)),
    "touch in the first pickle": plain(pickle.dumps(harm(), 2)),
    "touch in the list of keys": legacy(pickle.dumps({}, 2) + pickle.dumps(harm(), 2)),
    "a class of torch that runs": pickled(
        code_in(call("torch.hub", "load", text("a/b"), text("c")))
    ),
    "bytes of a tensor": pickled(
        code_in(call("torch.storage", "_load_from_bytes", b"C\x05" + b"touch"))
    ),
    "another codec": pickled(code_in(call("_codecs", "encode", text("x"), text("zip")))),
    "a state for a function": pickled(
        code_in(
            named("torch._utils", "_rebuild_tensor_v2"), b"}", text("__defaults__"), b"K\x01s", b"b"
        )
    ),
    "a state for a container": pickled(code_in(named("collections", "OrderedDict"), b"}b")),
    "a registered extension": pickled(code_in(b"\x82\x01")),
    # what would take memory or time
    "a memo of four thousand million": pickled(code_in(b"}r\xff\xff\xff\xffs")),
    "bytes of a terabyte": pickled(b"\x80\x05\x96" + struct.pack("<Q", 2**40) + b"."),
    "a long number": pickled(b"\x80\x02I" + b"9" * 5000 + b"\n."),
    "a module within itself": cyclic,
    "a thousand modules deep": nested,
    "a billion paths": bushy,
    "a bomb": compressed,
    "a large tensor of few values": pickled(of_tensor(tensor("0", 1, b"J\xff\xff\xff\x7f\x85"))),
    "a storage that is not there": pickled(of_tensor(tensor("0", 2**40, b"K\x01\x85"))),
    "one storage a thousand times": shared,
    "a hundred thousand classes and more": scalar_head,
    "a head without anchors": empty_head,
    # what is wrong otherwise
    "a negative size": pickled(of_tensor(tensor("0", 1, b"J\xff\xff\xff\xff\x85"))),
    "a size that is a text": pickled(of_tensor(tensor("0", 1, text("a") + b"\x85"))),
    "a tensor without a storage": pickled(
        of_tensor(call("torch._utils", "_rebuild_tensor_v2", b"N", b"K\x00", b")", b")"))
    ),
    "a key that is a list": pickled(code_in(b"}]K\x01s")),
    "an empty pickle": pickled(b""),
    "a pickle without an end": pickled(b"\x80\x02}q\x00"),
    "an unknown instruction": pickled(b"\x80\x02\xff."),
    "a surrogate": lone_surrogate,
    "control characters": pickled(code_in(call("models.\x1b[31m", "a\rb"))),
    "a name of a million letters": pickled(code_in(named("a" * 10**6, "b"))),
    "a number": pickled(code_in(b"K\x01")),
    "nothing": plain(b""),
    "a zip of nothing": lambda path, _: zipfile.ZipFile(path, "w").close(),
    "noise": plain(bytes(range(256)) * 4),
    "a cut": cut,
    "a flipped bit": flipped,
    "facts that are a list": own(lambda facts: []),
    "facts of a million classes": own(lambda facts: {**facts, "classes": 10**9}),
    "classes that are a text": own(lambda facts: {**facts, "classes": "2"}),
    "no classes": own(lambda facts: {**facts, "classes": None}),
    "JSON that is deep": own_bytes(b"", b"[" * 100_000),
    "JSON that is none": own_bytes(b"", b"\xff\xfe"),
    "safetensors that are none": own_bytes(
        b"\xff" * 16,
        b'{"sha256": "5ac6a5945f16500911219129984ba8b387a06f24fe383ce4e81a73294065461b"}',
    ),
}
SOUND: dict[str, Make] = {"another order in memory": fortran}


@pytest.fixture(scope="module")
def variant() -> Variant:
    return Library().load("yolov5p")


@pytest.fixture(scope="module")
def model(variant: Variant) -> Detector:
    return build(variant, CLASSES, seed=0)


@pytest.fixture
def made(
    request: pytest.FixtureRequest, model: Detector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Path:
    """The file, and the folder it lies in as the working one."""
    monkeypatch.chdir(tmp_path)
    make: Make = request.param
    make(tmp_path / "w.pt", model)
    return next(path for path in tmp_path.iterdir() if path.suffix in {".pt", ".safetensors"})


def starts(model: Detector, variant: Variant, path: Path) -> bool:
    try:
        start_from(model, variant, path)
    except WeightsError:
        return False
    return True


@pytest.mark.parametrize("made", FILES.values(), ids=FILES, indirect=True)
def test_a_file_that_cannot_be_used_is_one_line_and_nothing_of_it_is_executed(
    made: Path, variant: Variant, model: Detector, capsys: pytest.CaptureFixture[str]
) -> None:
    code = main(["detect", variant.name, "absent.jpg", "--weights", str(made)])
    output = capsys.readouterr()

    assert (code, output.out) == (2, "")
    assert output.err.startswith(f"ablation: {made}")
    assert len(output.err.splitlines()) == 1
    assert len(output.err) < 600
    assert output.err.rstrip("\n").isprintable()
    assert not Path(CANARY).exists()
    assert made.suffix == ".safetensors" or not starts(model, variant, made)


@pytest.mark.parametrize("slots", [{"layers": [], "tensors": []}, {"layers": {}}, [], None, "x"])
def test_a_checkpoint_whose_slots_are_none_starts_nothing(
    slots: object, variant: Variant, model: Detector, tmp_path: Path
) -> None:
    own(lambda facts: {**facts, "slots": slots})(tmp_path / "w.pt", model)

    assert not starts(model, variant, tmp_path / "w.safetensors")


@pytest.mark.parametrize("made", SOUND.values(), ids=SOUND, indirect=True)
def test_a_file_that_is_odd_and_sound_loads(made: Path, variant: Variant, model: Detector) -> None:
    assert start_from(model, variant, made).share == 1


def test_a_state_that_a_file_gives_to_a_class_is_not_kept() -> None:
    """Or the next file would meet what this one has left in the process."""
    state = b"}" + text("changed") + b"K\x01sb"
    content = code_in(named("collections", "OrderedDict"), state)

    made = InertUnpickler(io.BytesIO(content)).load()

    assert not hasattr(made, "changed")
