"""Whether a training is over already: its weights lie there, and say of which training they are."""

import json
from pathlib import Path
from typing import Any

from suite.nn.weights.checkpoint import load_checkpoint
from suite.record import file_digest
from suite.train.snapshot import differences
from suite.train.training import Training

# a version that came after a training was over changes nothing in its weights
_INDIFFERENT = {"torch": ""}


def differs_from_finished(training: Training, weights: Path) -> str:
    """In what `training` differs from the one that has written `weights`; "" where it is that one, so that it is over.

    Raises:
        WeightsError: the file is damaged, or no checkpoint of ours.
        OSError: the weights that the training is to start from cannot be read.
    """
    stated: Any = load_checkpoint(weights).facts.get("identity")
    if not isinstance(stated, dict):
        return "an older version wrote it, which did not note of which training it is"
    start = training.variant.weights
    # as it would be read back: JSON has no tuples
    identity = json.loads(json.dumps(training.identity(file_digest(Path(start)) if start else "")))
    return "; ".join(differences(identity | _INDIFFERENT, stated | _INDIFFERENT))
