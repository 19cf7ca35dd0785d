"""A network of one convolution, and a GPU that only pretends."""

import torch
from torch import nn


class TinyDetector(nn.Module):
    """Predicts the mean of each channel."""

    name = "tiny"
    strides = (8,)

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


class FakeStream:
    def __init__(self, cuda, name="aside"):
        self.cuda, self.name, self.cuda_stream = cuda, name, 7

    def wait_stream(self, other):
        self.cuda.log.append(f"{self.name} waits for {other.name}")


class Entered:
    """A context that writes down when it begins and ends."""

    def __init__(self, cuda, name):
        self.cuda, self.name = cuda, name

    def __enter__(self):
        self.cuda.log.append(f"begin {self.name}")

    def __exit__(self, *_):
        self.cuda.log.append(f"end {self.name}")


class FakeGraph:
    def __init__(self, cuda):
        self.cuda = cuda

    def replay(self):
        self.cuda.log.append("replay")


class FakeCuda:
    """Stands in for `torch.cuda`: writes down what is asked of it; every run of the model takes 7 ms on its clock."""

    def __init__(self):
        self.log, self.now = [], 0.0

    def Event(self, *, enable_timing):
        assert enable_timing
        return FakeEvent(self)

    def synchronize(self):
        self.log.append("synchronize")

    def empty_cache(self):
        self.log.append("empty")

    def Stream(self):
        return FakeStream(self)

    def current_stream(self):
        return FakeStream(self, "current")

    def stream(self, stream):
        return Entered(self, stream.name)

    def CUDAGraph(self):
        return FakeGraph(self)

    def graph(self, graph):
        return Entered(self, "recording")

    def run(self, images):
        """A network of 7 ms."""
        self.log.append("run")
        self.now += 7.0
        return images.mean((2, 3))


IMAGES = torch.zeros(1, 3, 8, 8)
