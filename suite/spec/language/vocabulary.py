"""The words and limits of the language: what the decoder accepts and the JSON Schema offers."""

from suite.spec.records.source import Verb

FILE_KEYS = (
    "title",
    "paper",
    "base",
    "depth",
    "width",
    "match",
    "backbone",
    "neck",
    "head",
    "activation",
    "norm",
    "anchors",
    "loss",
    "assigner",
    "nms",
    "edits",
    "schedules",
    "freeze",
    "weights",
    "blocks",
    "recipe",
    "control",
    "expect",
)
ACTIVATIONS = ("elu", "gelu", "hardswish", "leaky_relu", "mish", "relu", "relu6", "silu")
NORMS = ("batch", "group", "layer", "instance")
NORM_KEYS = ("kind", "groups")
SCRATCH = "scratch"  # in the place of `weights`: none
WEIGHTS_FILES = (".safetensors", ".pt")
MATCH_KEYS = ("metric", "to", "by", "tolerance")
MATCH_METRICS = ("flops", "params", "latency")
MATCH_BY = ("width",)
MATCH_TOLERANCE = 0.02
CONTROLS = ("broken",)
LAYER_KEYS = ("block", "out", "repeat", "stride", "tag", "tags", "inputs")
CHANGE_KEYS = ("block", "out", "repeat", "stride")
SCHEDULE_KEYS = ("block", "set", "from", "to", "over", "across")
ACROSS = ("blocks",)
FROZEN_STAGE = (
    "(backbone|neck) [1-9][0-9]{0,2}"  # of `freeze`: a part, and the stride of some of its layers
)
DROP_PATH = "drop_path"  # the attribute of a schedule that means stochastic depth
LOSS_KEYS = ("box", "objectness", "class", "gamma", "alpha", "constant")
ASSIGNER_KEYS = ("name", "radius", "candidates")
NMS_KEYS = ("kind", "iou", "agnostic", "sigma")
EXPECT_KEYS = ("strides", "params", "gmacs")

VERBS: tuple[Verb, ...] = ("replace", "insert", "remove", "set")
COMPANIONS: dict[Verb, tuple[str, ...]] = {
    "replace": ("with",),
    "insert": ("before", "after", "keep_tag"),
    "remove": (),
    "set": ("to",),
}
SELECTOR_WORDS = ("part", "tag", "block", "path")
PATTERN_SIGNS = frozenset("*?[")
SELECTOR_NUMBERS = ("stage", "kernel", "stride", "groups")

MAX_LAYERS = 400
MAX_EDITS = 128
MAX_REPEATS = 1000  # of all layers together
MAX_WORK = 80_000  # edits times layers, of all variants of a file
MAX_FACTOR = 64
MAX_DROP_PATH = 0.99
MAX_OUT = 16_384
MAX_REPEAT = 256
MAX_STRIDE = 64
MAX_GROUPS = 1024
MAX_OUTPUTS = 16
MAX_SELECTED = 1_000_000
MAX_LEVELS = 16
MAX_ANCHOR = 16_384  # pixels

DESIGN_KEYS = ("name", "design", "steps", "axes")
DESIGNS = ("ladder", "one-at-a-time", "leave-one-out", "factorial")
FAMILY_KEYS = ("title", "paper", "base", "blocks", "expect", *DESIGN_KEYS)
STEP_KEYS = ("name", "on", *(key for key in FILE_KEYS if key != "base"))
MAX_STEPS = 24
MAX_MEMBERS = 128
