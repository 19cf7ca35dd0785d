"""The eager runtime: what it pins, what it times, and in which order, with a GPU that only pretends."""

import pytest
import torch
from torch import nn

from suite.runtimes import Options, RuntimeUnfitError, open_session
from suite.runtimes.eager import CpuSession, CudaSession, pin_cuda

CPU = {"device": "cpu", "precision": "fp32", "channels_last": True}


class TinyDetector(nn.Module):
    """Predicts the mean of each channel."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 6, 1)

    def predict(self, images):
        return self.conv(images).mean((2, 3))[:, None]


class FakeEvent:
    def __init__(self, cuda):
        self.cuda = cuda

    def record(self):
        self.cuda.log.append("record")
        self.at = self.cuda.now

    def elapsed_time(self, other):
        self.cuda.log.append("elapsed")
        return other.at - self.at


class FakeCuda:
    """Writes down what is asked of it; every run of the model takes 7 ms on its clock."""

    def __init__(self):
        self.log, self.now = [], 0.0

    def Event(self, *, enable_timing):
        assert enable_timing
        return FakeEvent(self)

    def synchronize(self):
        self.log.append("synchronize")

    def empty_cache(self):
        self.log.append("empty")


class LoggedDetector(TinyDetector):
    """Takes its 7 ms on the fake GPU."""

    def __init__(self, cuda):
        super().__init__()
        self.cuda = cuda

    def predict(self, images):
        self.cuda.log.append("run")
        self.cuda.now += 7.0
        return super().predict(images)


def test_a_call_is_timed_on_both_clocks():
    wall, cpu = iter([1.0, 1.25]), iter([5.0, 5.2])
    session = CpuSession(TinyDetector(), CPU, wall=lambda: next(wall), cpu=lambda: next(cpu))

    timing = session.time(torch.zeros(1, 3, 8, 8))

    assert timing.wall_ms == pytest.approx(250.0)
    assert timing.cpu_ms == pytest.approx(200.0)


def test_the_gpu_is_timed_between_events_after_it_fell_idle_and_read_after_it_finished():
    cuda = FakeCuda()
    session = CudaSession(LoggedDetector(cuda), CPU, cuda)

    timing = session.time(torch.zeros(1, 3, 8, 8))

    assert cuda.log == ["synchronize", "record", "run", "record", "synchronize", "elapsed"]
    assert timing.wall_ms == 7.0


def test_closing_a_gpu_session_frees_its_memory():
    cuda = FakeCuda()
    session = CudaSession(LoggedDetector(cuda), CPU, cuda)

    session.close()

    assert cuda.log == ["empty"]
    with pytest.raises(AssertionError, match="closed"):
        session.run(torch.zeros(1, 3, 8, 8))


def test_predictions_are_those_of_the_model():
    model = TinyDetector()
    images = torch.rand(2, 3, 8, 8)
    expected = model.predict(images)

    session = open_session("eager", model, Options())

    assert torch.allclose(session.run(session.prepare(images)), expected, atol=1e-6)


@pytest.mark.parametrize(("precision", "dtype"), [("fp32", torch.float32), ("bf16", torch.bfloat16)])
def test_images_and_weights_take_the_precision_and_the_format(precision, dtype):
    session = open_session("eager", TinyDetector(), Options(precision=precision))

    prepared = session.prepare(torch.rand(2, 3, 8, 8))

    assert prepared.dtype == dtype
    assert prepared.is_contiguous(memory_format=torch.channels_last)
    assert session.run(prepared).dtype == dtype


def test_threads_are_pinned_to_what_is_stated():
    session = open_session("eager", TinyDetector(), Options(threads=1))

    assert torch.get_num_threads() == session.settings["threads"] == 1


def test_denormals_are_flushed():
    open_session("eager", TinyDetector(), Options())

    smallest = torch.tensor([torch.finfo(torch.float32).tiny])
    assert float(smallest / 4) == 0.0


def test_fp32_on_a_gpu_is_never_tf32():
    with torch.backends.cudnn.flags(enabled=True, allow_tf32=True):
        pin_cuda()

        assert not torch.backends.cudnn.allow_tf32
        assert not torch.backends.cuda.matmul.allow_tf32


def test_an_unknown_precision_names_those_there_are():
    with pytest.raises(RuntimeUnfitError, match="no precision 'fp8'; there are: fp32, fp16, bf16"):
        open_session("eager", TinyDetector(), Options(precision="fp8"))


def test_an_unknown_runtime_is_refused():
    with pytest.raises(RuntimeUnfitError, match="no runtime 'magic'"):
        open_session("magic", TinyDetector(), Options())


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
def test_a_device_that_is_not_here_gives_no_number():
    with pytest.raises(RuntimeUnfitError, match="no device 'cuda' here"):
        open_session("eager", TinyDetector(), Options(device="cuda"))
