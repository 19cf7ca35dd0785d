"""The words and limits of the language: what records accept as values, and how much of it."""

ACTIVATIONS = ("elu", "gelu", "hardswish", "leaky_relu", "mish", "relu", "relu6", "silu")
NORMS = ("batch", "group", "layer", "instance")
SCRATCH = "scratch"  # in the place of `weights`: none
WEIGHTS_FILES = (".safetensors", ".pt", ".pth")
MATCH_METRICS = ("flops", "params", "latency")
MATCH_BY = ("width",)
MATCH_TOLERANCE = 0.02
CONTROLS = ("broken",)
ACROSS = ("blocks",)
# of `freeze`: a part, and the stride of some of its layers
FROZEN_STAGE = "(backbone|neck) [1-9][0-9]{0,2}"
ANCHORS = "anchors"  # the option of a head that is its base's where its line says nothing
DROP_PATH = "drop_path"  # the attribute of a schedule that means stochastic depth
PATTERN_SIGNS = frozenset("*?[")
DESIGNS = ("ladder", "one-at-a-time", "leave-one-out", "factorial")

MAX_LAYERS = 400
MAX_EDITS = 128
MAX_REPEATS = 1000  # of all layers together
MAX_WORK = 80_000  # edits times layers, of all variants of a file
MAX_FACTOR = 64
MAX_DROP_PATH = 0.99
MAX_OUT = 16_384
MAX_REPEAT = 256
MAX_STRIDE = 64
MAX_ROW = 999  # of a model file of YOLOv5
MAX_GROUPS = 1024
MAX_OUTPUTS = 16
MAX_SELECTED = 1_000_000
MAX_LEVELS = 16
MAX_ANCHOR = 16_384  # pixels
MAX_STEPS = 24
MAX_MEMBERS = 128
