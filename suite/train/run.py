"""One training from its record to the averaged model: build, start weights, checkpoint, journal, loop."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from suite.datasets.loading.loader import TrainingBatches
from suite.datasets.split import Picture
from suite.nn.detector import Detector, build
from suite.nn.sizes import coarsest_stride, require_image_size
from suite.nn.weights.pickles import WeightsError
from suite.nn.weights.transfer import start_from
from suite.record import Json
from suite.spec.records.vocabulary import SCRATCH
from suite.train.journal import Board, Journal, has_tensorboard, open_board
from suite.train.loop import Progress, Trained, train
from suite.train.snapshot import Keeper, Snapshot
from suite.train.training import Training


@dataclass(frozen=True, slots=True, eq=False)
class TrainingResult:
    """What a training led to.

    Attributes:
        training: what was carried out.
        trained: the averaged model, the curve, and what was used of the budget.
        start: what it began with: its form and, of a weights file, what was taken from it.
        broken: pictures that others took the place of, as they did not decode any more.
        keeper: of the checkpoint that still lies there; None without one.
    """

    training: Training
    trained: Trained
    start: dict[str, Json]
    broken: tuple[Picture, ...] = ()
    keeper: Keeper | None = None

    @property
    def model(self) -> Detector:
        """The averaged model, in evaluation mode."""
        return self.trained.ema_model

    @property
    def facts(self) -> dict[str, Json]:
        """What belongs beside the weights in their file."""
        training = self.training
        return {
            "class_names": [category.name for category in training.data.categories],
            "image_size": training.image_size,
            "steps": self.trained.steps,
            "batch": training.batch,
            "seed": training.seed,
            "data": training.data.fingerprint,
            "fingerprint": training.variant.fingerprint,
            "architecture": training.variant.architecture,
            "start": self.start,
            "identity": training.identity(str(self.start.get("sha256", ""))),
        }

    def discard_checkpoint(self) -> None:
        """Delete the checkpoint: what came of the training is kept elsewhere."""
        if self.keeper is not None:
            self.keeper.discard()


def run_training(
    training: Training,
    *,
    on_begin: Callable[[], None] = lambda: None,
    on_progress: Callable[[Progress], None] = lambda _: None,
) -> TrainingResult:
    """Carry a training out, or go on with it where its checkpoint is there.

    Args:
        training: all that decides the weights, and where it writes.
        on_begin: called when the network is built and has its weights.
        on_progress: told about every point of the curve.

    Raises:
        SpecError: the variant does not build, or not for this image size.
        WeightsError: it cannot start from the variant's weights.
        CheckpointError: the checkpoint is another training's or damaged, or cannot be written.
        TrainingDiverged: loss, gradient or weights stopped being finite.
        TrainingOutOfMemory: a batch does not fit; says what would.
        DataError: there is nothing to train on, or a picture does not decode any more.
    """
    model = build(training.variant, len(training.data.categories), seed=training.seed)
    require_image_size(model, training.image_size)
    start = load_start_weights(training, model)
    keeper = _keeper(training, start)
    resumed = keeper.load() if keeper else None
    on_begin()
    writes = training.group.is_rank_zero
    journal = Journal(
        training.files.curve if writes else None,
        training.batch,
        resumed,
        listen=on_progress,
        board=_board(training) if writes else None,
    )
    try:
        batches = _batches(training, model, resumed)
        trained = train(
            training,
            model,
            batches,
            listener=journal,
            keeper=keeper if writes else None,
            start=resumed,
        )
    finally:
        journal.close()
    return TrainingResult(training, trained, start, batches.broken, keeper)


def load_start_weights(training: Training, model: Detector) -> dict[str, Json]:
    """Give the model the weights that its variant names, each layer its own; the record of what came of it.

    Raises:
        WeightsError: the file cannot be used, or is not the one that was planned with.
    """
    variant = training.variant
    if not variant.weights:
        return {"form": SCRATCH}
    start = start_from(model, variant, Path(variant.weights))
    if training.weights_sha256 not in {"", start.sha256}:
        raise WeightsError(f"{variant.weights}: has changed since the run was planned")
    return start.as_json


def _keeper(training: Training, start: dict[str, Json]) -> Keeper | None:
    """What writes the training's checkpoints, with everything that one must have in common to be gone on from."""
    if training.files.checkpoint is None:
        return None
    identity = training.identity(str(start.get("sha256", "")))
    return Keeper(training.files.checkpoint, identity, every=training.files.every)


def _board(training: Training) -> Board | None:
    folder = training.files.tensorboard
    return open_board(folder) if folder and has_tensorboard() else None


def _batches(training: Training, model: Detector, resumed: Snapshot | None) -> TrainingBatches:
    """This process's share of every batch, from the one that the checkpoint has not seen on."""
    recipe = training.recipe
    return TrainingBatches(
        training.data,
        image_size=training.image_size,
        batch=training.batch,
        steps=training.steps,
        seed=training.seed,
        augment=recipe.augment,
        image_weights=recipe.image_weights,
        start=resumed.step if resumed else 0,
        rect=recipe.rect,
        stride=max(32, coarsest_stride(model)),
        share=(training.group.rank, training.group.size),
        loading=training.loading,
    )
