"""What observers are told of a pass, on networks of a few operators whose numbers are worked out by hand."""

import pytest
import torch
from torch import Tensor, nn

from suite.metrics.cost.counters import MultiplyAdds, Outputs, Products, Unseen
from suite.metrics.cost.maps import Maps, TrainingMaps
from suite.metrics.cost.recorder import ByLayer, Event, Observer, Recorder, tensors, walk
from suite.metrics.cost.unseen import ACTIVATIONS

SIDE = 10
PLACES = SIDE * SIDE
MAP = 4 * 8 * PLACES  # bytes of 8 channels in fp32


def images(channels: int = 8) -> Tensor:
    return torch.empty(1, channels, SIDE, SIDE, device="meta")


class Diary(Observer):
    """Writes down everything in order, without keeping a tensor."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def entered(self, layer: str) -> None:
        self.lines.append(f"enter {layer}")

    def ran(self, event: Event) -> None:
        self.lines.append(f"{event.number} {event.operator}")

    def left(self, layer: str, _out: object) -> None:
        self.lines.append(f"leave {layer}")


class Operators(ByLayer[int]):
    """How many operators a layer has run."""

    def __init__(self) -> None:
        super().__init__(int)

    def ran(self, _event: Event) -> None:
        self.amount += 1


class Joined(nn.Module):
    """Two 1x1 convolutions, whose input and output are joined before the second."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second = nn.Conv2d(8, 8, 1, bias=False), nn.Conv2d(16, 4, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        out: Tensor = self.second(torch.cat((self.first(x), x), 1))
        return out


def recorded(model: Joined, *observers: Observer) -> None:
    given, recorder = images(), Recorder(*observers)
    with (
        torch.no_grad(),
        recorder.following({"a": model.first, "b": model.second}),
        recorder,
    ):
        model(given)


def test_operators_and_layers_are_told_in_the_order_they_happen() -> None:
    diary = Diary()

    recorded(Joined().to("meta"), diary)

    assert diary.lines == [
        "enter a",
        "1 convolution",
        "leave a",
        "2 cat",
        "enter b",
        "3 convolution",
        "leave b",
    ]


def test_what_runs_between_two_layers_is_the_seconds() -> None:
    operators = Operators()

    recorded(Joined().to("meta"), operators)

    assert operators.layers == {"a": 1, "b": 2}


def test_observers_of_one_pass_see_the_same() -> None:
    first, second = Diary(), Diary()

    recorded(Joined().to("meta"), first, second)

    assert first.lines == second.lines


def test_each_counter_has_its_numbers_of_each_layer() -> None:
    macs, products, unseen, maps = MultiplyAdds(), Products(), Unseen(), Maps()
    outputs = Outputs(maps)

    recorded(Joined().to("meta"), maps, macs, products, outputs, unseen)

    assert macs.layers == {"a": 8 * 8 * PLACES, "b": 16 * 4 * PLACES}
    assert products.layers["a"].written == 8 * PLACES
    assert products.layers["a"].moved == 4 * (8 * PLACES + 8 * 8 + 8 * PLACES)
    assert products.layers["b"].moved == 4 * (16 * PLACES + 16 * 4 + 4 * PLACES)
    assert outputs.layers == {"a": 8 * PLACES, "b": (16 + 4) * PLACES}
    assert not unseen.layers["b"]


def test_an_operator_in_place_goes_by_its_plain_name() -> None:
    diary, unseen = Diary(), Unseen()

    walk(nn.ReLU(inplace=True), images(), diary, unseen)

    assert diary.lines == ["enter ", "1 relu", "leave "]
    assert unseen.layers[""] == {ACTIVATIONS: 8 * PLACES}


def test_a_module_that_is_no_detector_is_one_layer() -> None:
    macs = MultiplyAdds()

    walk(nn.Conv2d(8, 8, 3, padding=1).to("meta"), images(), macs)

    assert macs.layers == {"": 8 * 8 * 9 * PLACES}


def test_a_walk_gives_what_the_model_gives() -> None:
    out = walk(nn.Conv2d(8, 4, 1).to("meta"), images())

    assert out.shape == (1, 4, SIDE, SIDE)
    assert not out.requires_grad


def test_a_walk_that_fails_leaves_no_hook_behind() -> None:
    model = nn.Conv2d(8, 4, 1).to("meta")

    with pytest.raises(RuntimeError):
        walk(model, images(3), Diary())

    assert not model._forward_hooks
    assert not model._forward_pre_hooks


def test_maps_that_nobody_names_are_given_back() -> None:
    given = images()
    maps = Maps(given)

    walk(nn.Sequential(*(nn.Conv2d(8, 8, 1) for _ in range(3))).to("meta"), given, maps)

    assert maps.held == MAP  # the images, which have a name here
    assert maps.most == 3 * MAP  # and what the last convolution reads and writes


def test_a_view_writes_nothing_new() -> None:
    given = images()
    maps = Maps(given)

    walk(nn.Flatten(), given, maps)

    assert maps.fresh == 0


def test_a_backward_pass_is_recorded_too() -> None:
    model = nn.Conv2d(8, 8, 1, bias=False).to("meta")
    given, maps, diary = images(), TrainingMaps(model.parameters()), Diary()

    with Recorder(maps, diary):
        out = model(given)
        torch.autograd.backward([out], [torch.empty_like(out)])

    assert "convolution_backward" in {line.split()[1] for line in diary.lines}
    weight_gradient = 4 * 8 * 8
    assert maps.most == 3 * MAP + weight_gradient  # images, map, the map's gradient


def test_tensors_are_taken_out_of_lists() -> None:
    x = images()

    assert tensors((x, 3, [x, None], "sum")) == [x, x]
