"""What is refused before anything is opened, and how it says so."""

import pytest
import torch

from suite.protocols import setups
from suite.protocols.setups import Offer
from suite.runtimes import Options, RuntimeUnfitError, open_session
from tests.narrowing import stand_in
from tests.runtimes.tiny import IMAGES, TinyDetector


def refusal(runtime, **options):
    with pytest.raises(RuntimeUnfitError) as caught:
        open_session(runtime, stand_in(TinyDetector()), Options(**options), IMAGES)
    return str(caught.value)


def test_an_unknown_precision_names_those_there_are():
    assert (
        refusal("eager", precision="fp8")
        == "eager: no precision 'fp8' on cpu; there are: fp32, bf16, fp16"
    )


def test_an_unknown_runtime_names_those_there_are():
    assert refusal("magic").startswith("no runtime 'magic'; there are: eager, ")


def test_an_unknown_mode_names_those_there_are():
    assert (
        refusal("eager+upside_down")
        == "eager: no mode 'upside_down'; there are: channels_last, contiguous"
    )


def test_a_runtime_of_gpus_is_refused_on_the_processor():
    assert refusal("cudagraphs") == "cudagraphs: no device 'cpu'; it runs on: cuda"


def test_tf32_is_no_precision_of_a_processor():
    assert "no precision 'tf32' on cpu" in refusal("eager", precision="tf32")


@pytest.mark.skipif(torch.cuda.is_available(), reason="a GPU is here")
@pytest.mark.parametrize("runtime", ["eager", "compiled", "cudagraphs"])
def test_a_device_that_is_not_here_gives_no_number(runtime):
    assert refusal(runtime, device="cuda") == f"{runtime}: no device 'cuda' here; there is: cpu"


def test_a_runtime_that_is_not_installed_says_how_to_install_it(monkeypatch):
    absent = Offer(
        "absent", {"cpu": ("fp32",)}, ("default",), {"no_such_module": "pip install it"}, {}
    )
    monkeypatch.setattr("suite.runtimes.common.opening.offers", lambda: {"absent": absent})

    assert refusal("absent") == "absent: no_such_module is not here: pip install it"


def test_a_program_that_is_not_installed_is_named_too():
    offer = Offer(
        "absent", {"cpu": ("fp32",)}, ("default",), {}, {"no-such-program": "apt-get install it"}
    )

    assert offer.lacking == "no-such-program is not here: apt-get install it"


def test_every_file_among_the_runtimes_is_an_offer_and_eager_comes_first():
    stems = {file.stem for file in setups.FOLDER.glob("*.py")} - {"__init__"}

    assert set(setups.offers()) == stems
    assert next(iter(setups.offers())) == "eager"


@pytest.mark.parametrize("written", ["cpu-fp32", "cpu-eager-fp32"])
def test_a_setup_without_a_runtime_is_eagers(written):
    assert setups.setups()[written] == setups.Setup("cpu", "eager", "fp32")


def test_a_mode_stands_behind_its_runtime():
    assert setups.setups()["cpu-compiled+max_autotune-fp32"].runtime == "compiled+max_autotune"


@pytest.mark.parametrize("setup", setups.setups().values(), ids=str)
def test_a_setup_written_in_full_is_read_back(setup):
    assert setups.setups()[str(setup)] == setup
