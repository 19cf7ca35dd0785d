"""The eager runtime, and what every session shares: what is pinned, what is timed, and in which order."""

import pytest
import torch

from suite.record import Json
from suite.runtimes import Options, open_session
from suite.runtimes.common.place import pin_cuda
from suite.runtimes.common.session import CallSession, CpuClock, CudaClock
from tests.narrowing import stand_in
from tests.runtimes.tiny import IMAGES, FakeCuda, TinyDetector

CPU: dict[str, Json] = {"runtime": "eager", "device": "cpu", "precision": "fp32", "threads": 1}


def session_on(cuda):
    return CallSession(CPU, CudaClock(cuda), lambda images: images, cuda.run)


def test_a_call_is_timed_on_both_clocks():
    wall, cpu = iter([1.0, 1.25]), iter([5.0, 5.2])
    clock = CpuClock(wall=lambda: next(wall), cpu=lambda: next(cpu))

    timing = clock.time(lambda: None)

    assert timing.wall_ms == pytest.approx(250.0)
    assert timing.cpu_ms == pytest.approx(200.0)


def test_the_gpu_is_timed_between_events_after_it_fell_idle_and_read_after_it_finished():
    cuda = FakeCuda()

    timing = session_on(cuda).time(IMAGES)

    assert cuda.log == ["synchronize", "record", "run", "record", "synchronize", "elapsed"]
    assert timing.wall_ms == 7.0


def test_closing_a_gpu_session_frees_its_memory():
    cuda = FakeCuda()
    session = session_on(cuda)

    session.close()

    assert cuda.log == ["empty"]
    with pytest.raises(AssertionError, match="closed"):
        session.run(IMAGES)


def test_predictions_are_those_of_the_model():
    model = TinyDetector()
    images = torch.rand(2, 3, 8, 8)
    expected = model.predict(images)

    session = open_session("eager", stand_in(model), Options(), images)

    assert torch.allclose(session.run(session.prepare(images)), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)]
)
def test_images_and_weights_take_the_precision_and_the_format(precision, dtype):
    images = torch.rand(2, 3, 8, 8)
    session = open_session("eager", stand_in(TinyDetector()), Options(precision=precision), images)

    prepared = session.prepare(images)

    assert prepared.dtype == dtype
    assert prepared.is_contiguous(memory_format=torch.channels_last)
    assert session.run(prepared).dtype == dtype


def test_the_memory_format_is_a_mode_that_the_settings_name():
    images = torch.rand(2, 3, 8, 8)
    session = open_session("eager+contiguous", stand_in(TinyDetector()), Options(), images)

    assert session.prepare(images).is_contiguous()
    assert (session.settings["runtime"], session.settings["channels_last"]) == (
        "eager+contiguous",
        False,
    )


def test_threads_are_pinned_to_what_is_stated():
    session = open_session("eager", stand_in(TinyDetector()), Options(threads=1), IMAGES)

    assert torch.get_num_threads() == session.settings["threads"] == 1


def test_denormals_are_flushed():
    open_session("eager", stand_in(TinyDetector()), Options(), IMAGES)

    smallest = torch.tensor([torch.finfo(torch.float32).tiny])
    assert float(smallest / 4) == 0.0


@pytest.mark.parametrize("tf32", [False, True])
def test_fp32_on_a_gpu_is_tf32_only_where_it_is_asked_for(tf32):
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=not tf32):
        pin_cuda(tf32=tf32)

        assert torch.backends.cudnn.allow_tf32 == tf32
        assert torch.backends.cuda.matmul.allow_tf32 == tf32
    pin_cuda()
