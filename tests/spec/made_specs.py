"""Texts that look like specs: known keys, verbs and blocks, with values that hardly ever fit."""

from hypothesis import strategies as st

from suite.spec.blocks.signatures import default_signatures
from suite.spec.language.keys import DESIGN_KEYS, FILE_KEYS, VERBS

SCALARS = st.one_of(
    st.sampled_from(
        [
            "last",
            "p3",
            "p4",
            "n5",
            "backbone",
            "yolov5n",
            "$a",
            "1e-3",
            "no",
            "~",
            "true",
            "''",
            "*a",
            "&a x",
        ]
    ),
    st.sampled_from(
        [
            "-1",
            "0",
            "8",
            "16384",
            "16385",
            "0.5",
            ".nan",
            "9" * 30,
            "1e400",
            "0x10",
            "c3.C3",
            "odconv.ODConv",
        ]
    ),
    st.sampled_from(default_signatures().addresses()),
    st.text(max_size=6),
)
OPTIONS = st.sampled_from(
    [
        "block",
        "out",
        "repeat",
        "stride",
        "tag",
        "tags",
        "inputs",
        "kernel",
        "groups",
        "part",
        "stage",
        "path",
        "count",
    ]
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.lists(st.tuples(st.one_of(OPTIONS, st.sampled_from([*VERBS, "with", "to", "after", "before", "of"])), inner),
                 max_size=4).map(lambda pairs: "{" + ", ".join(f"{key}: {value}" for key, value in pairs) + "}"),
    ),
    max_leaves=8,
)  # fmt: skip
FILES = st.lists(st.tuples(st.sampled_from([*FILE_KEYS, *DESIGN_KEYS]), VALUES), max_size=6).map(
    lambda pairs: "base: yolov5n\n" + "".join(f"{key}: {value}\n" for key, value in pairs)
)
