"""What every runtime must keep. Being in the folder is being tested, where the machine has what it needs."""

import pytest
import torch

from suite.nn.deploy import deploy
from suite.nn.detector import build
from suite.protocols.setups import Offer, Setup, offers, setups
from suite.runtimes import MismatchError, Options, RuntimeUnfitError, open_session
from suite.runtimes.common.lively import liven
from suite.runtimes.common.proof import MOST, TOLERANCE, Errors, Proved, allowance, open_proved
from suite.spec.library import Library
from tests.narrowing import stand_in
from tests.runtimes.tiny import TinyDetector

SIDE, CLASSES = 64, 3
NOT_TRIED = (
    "cpu-compiled+max_autotune-",
    "cpu-onnxruntime+tensorrt-",
    "cpu-compiled-bf16",
    "cpu-aotinductor-bf16",
)
# for longer than the default run has time
LONG = (
    "cpu-compiled-",
    "cpu-aotinductor-",
    "cpu-openvino-bf16",
    "cpu-openvino-int8",
    "cpu-onnxruntime+literal-",
)
PREDICTIONS = 3 * sum((SIDE // stride) ** 2 for stride in (8, 16, 32))


def on_the_processor() -> list[object]:
    """What compiles is slow, so that one precision has to do; the modes that search are for users with time."""
    every = [s for s in dict.fromkeys(setups().values()) if s.device == "cpu"]
    plain = [s for s in every if not str(s).startswith(NOT_TRIED)]
    return [
        pytest.param(s, marks=[pytest.mark.slow] * str(s).startswith(LONG), id=str(s))
        for s in plain
    ]


@pytest.fixture(params=on_the_processor())
def proved(request: pytest.FixtureRequest) -> Proved:
    setup: Setup = request.param
    images = torch.rand(2, 3, SIDE, SIDE, generator=torch.Generator().manual_seed(0))
    model = deploy(liven(build(Library().load("yolov5p"), CLASSES, seed=0), images))
    try:
        return open_proved(setup.runtime, model, Options(setup.device, setup.precision), images)
    except RuntimeUnfitError as error:
        pytest.skip(str(error))


@pytest.mark.parametrize("offer", offers().values(), ids=lambda offer: offer.name)
def test_a_runtime_offers_precisions_that_have_a_tolerance_and_one_mode_at_least(
    offer: Offer,
) -> None:
    assert {"cpu", "cuda"} >= offer.precisions.keys() > set()
    assert set().union(*offer.precisions.values()) <= TOLERANCE.keys()
    assert offer.modes
    assert all(
        how.startswith(("pip install ", "apt-get install "))
        for how in (*offer.modules.values(), *offer.programs.values())
    )


def test_a_session_equals_eager_states_its_setup_and_times_itself(
    proved: Proved, request: pytest.FixtureRequest
) -> None:
    session, setup = proved.session, request.node.callspec.params["proved"]

    timing = session.time(proved.prepared)
    output = session.run(proved.prepared)

    assert (setup.device, setup.runtime, setup.precision) == tuple(
        session.settings[key] for key in ("device", "runtime", "precision")
    )
    assert session.settings["threads"] == 1
    assert output.shape == (2, PREDICTIONS, 5 + CLASSES)
    assert timing.wall_ms > 0
    session.close()
    with pytest.raises(AssertionError, match="closed"):
        session.run(proved.prepared)


class Swapped(TinyDetector):
    """In evaluation it forgets to add its bias, as a wrong conversion may: eager mode is asked first, and is right."""

    asked = 0

    def predict(self, images):
        self.asked += 1
        found = super().predict(images)
        return found if self.asked == 1 else found - self.conv.bias


def test_a_session_that_computes_something_else_is_no_session() -> None:
    with pytest.raises(
        MismatchError, match=r"tiny in eager, fp32: boxes differ from eager's by .* allowed"
    ):
        open_proved("eager", stand_in(Swapped()), Options(), torch.rand(1, 3, 8, 8))


class Overflowing(TinyDetector):
    def predict(self, images):
        return super().predict(images) * 1e30


def test_a_session_whose_numbers_are_not_finite_says_how_many() -> None:
    with pytest.raises(MismatchError, match="tiny in eager: 6 of 6 outputs are not finite in fp16"):
        open_proved(
            "eager", stand_in(Overflowing()), Options(precision="fp16"), torch.rand(1, 3, 8, 8)
        )


def test_a_runtime_that_computes_in_less_than_it_says_is_found_out() -> None:
    """bf16 under the name of fp32, as a runtime left alone may do."""

    class Silent(TinyDetector):
        asked = 0

        def predict(self, images):
            self.asked += 1
            rounded = images if self.asked == 1 else images.bfloat16().float()
            return 1000 * super().predict(rounded)

    with pytest.raises(MismatchError):
        open_proved("eager", stand_in(Silent()), Options(), torch.rand(1, 3, 8, 8))


def test_a_session_is_refused_where_its_runtime_is_not() -> None:
    with pytest.raises(RuntimeUnfitError):
        open_session(
            "eager", stand_in(TinyDetector()), Options(device="tpu"), torch.rand(1, 3, 8, 8)
        )


@pytest.mark.parametrize("precision", TOLERANCE)
def test_what_is_allowed_grows_with_what_the_precision_loses(precision: str) -> None:
    least, sensitive = allowance(precision), allowance(precision, Errors(0.1, 0.1))

    assert least == Errors(TOLERANCE[precision], TOLERANCE[precision])
    assert (sensitive.boxes, sensitive.scores) > (least.boxes, least.scores)


def test_a_network_that_eight_bits_leave_nothing_of_is_not_excused() -> None:
    assert allowance("int8", Errors(9.0, 0.9)).scores == MOST["int8"]
