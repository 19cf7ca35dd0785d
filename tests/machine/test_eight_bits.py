"""Bits of int8 weights, from processors' features as /proc/cpuinfo writes them."""

import subprocess
import sys
from pathlib import Path

import pytest

from suite.machine.eight_bits import cpu_features, weight_bits

HASWELL = "fpu sse sse2 ssse3 sse4_1 sse4_2 avx f16c fma avx2 bmi1 bmi2"
SKYLAKE_X = f"{HASWELL} avx512f avx512cd avx512bw avx512dq avx512vl"
ICE_LAKE = f"{SKYLAKE_X} avx512ifma avx512vbmi avx512_vbmi2 avx512_vnni avx512_bitalg"
ALDER_LAKE = f"{HASWELL} vaes vpclmulqdq avx_vnni"
SAPPHIRE_RAPIDS = f"{SKYLAKE_X} avx512_vnni avx_vnni amx_bf16 avx512_fp16 amx_tile amx_int8"
CORTEX_A72 = "fp asimd evtstrm aes pmull sha1 sha2 crc32 cpuid"
NEOVERSE_N1 = f"{CORTEX_A72} atomics fphp asimdhp asimdrdm lrcpc dcpop asimddp ssbs"


@pytest.mark.parametrize(
    ("features", "bits"),
    [
        (HASWELL, 7),
        (SKYLAKE_X, 7),
        (ICE_LAKE, 8),
        (ALDER_LAKE, 8),
        (SAPPHIRE_RAPIDS, 8),
        ("avx2 amx_tile amx_int8", 8),
        ("avx2 amx_tile amx_bf16", 7),
        (CORTEX_A72, 7),
        (NEOVERSE_N1, 8),
        ("", 7),
    ],
)
def test_weights_have_eight_bits_where_the_processor_has_a_dot_product(
    features: str, bits: int
) -> None:
    assert weight_bits(frozenset(features.split())) == bits


@pytest.mark.parametrize(("bits", "fits"), [(8, False), (7, True)])
def test_seven_bits_are_what_a_sum_of_two_products_has_room_for(bits: int, fits: bool) -> None:
    largest_weight = {8: 127, 7: 64}[bits]

    assert (2 * 255 * largest_weight < 2**15) == fits


@pytest.mark.parametrize(
    ("text", "features"),
    [
        (
            "processor\t: 0\nmodel name\t: A\nflags\t\t: fpu avx2\n\nflags\t\t: other\n",
            {"fpu", "avx2"},
        ),
        (
            "processor\t: 0\nBogoMIPS\t: 50.00\nFeatures\t: fp asimd asimddp\n",
            {"fp", "asimd", "asimddp"},
        ),
        ("processor\t: 0\nvmx flags\t: vnmi\n", set()),
    ],
    ids=["x86", "Arm", "neither"],
)
def test_features_are_read_of_the_first_core(tmp_path: Path, text: str, features: set[str]) -> None:
    (tmp_path / "cpuinfo").write_text(text)

    assert cpu_features(tmp_path) == features


def test_a_system_that_lists_no_features_has_none(tmp_path: Path) -> None:
    assert cpu_features(tmp_path) == frozenset()


def test_asking_does_not_import_torch() -> None:
    code = (
        "import sys; from suite.machine.eight_bits import weight_bits; weight_bits(); "
        "sys.exit('torch' in sys.modules)"
    )

    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
