"""The keys of the language, as its records have them."""

from suite.spec.records.ladder import Design, Step
from suite.spec.records.lines import Line, Replacement, Rewrite
from suite.spec.records.source import SpecFile
from suite.spec.records.steps import EDITS, Verb
from suite.spec.records.variant import Selector
from suite.yaml.rules import keys_of

FILE_KEYS = keys_of(SpecFile)
DESIGN_KEYS = keys_of(Design)
FAMILY_KEYS = ("title", "paper", "base", "blocks", "expect", *DESIGN_KEYS)
STEP_KEYS = (*keys_of(Step), *(key for key in FILE_KEYS if key != "base"))
LAYER_KEYS = keys_of(Line)
WITH_KEYS = keys_of(Replacement)
TO_KEYS = keys_of(Rewrite)
VERBS: tuple[Verb, ...] = tuple(EDITS)
COMPANIONS = {verb: keys_of(kind)[1:] for verb, kind in EDITS.items()}
CONDITIONS = tuple(key for key in keys_of(Selector) if key != "count")
