"""Networks made ready to be timed: built, deployed, opened, and proved equal to eager once."""

from torch import Tensor

from suite.metrics.speed.phases import PhaseTimes
from suite.metrics.speed.rounds import Settings
from suite.nn.deploy import deploy
from suite.nn.detector import build
from suite.nn.network import Detector
from suite.nn.sizes import require_image_size
from suite.runtimes import open_session
from suite.runtimes.common.lively import liven
from suite.runtimes.common.proof import Errors, Proved, open_proved
from suite.spec.records.variant import Variant

_BODIES = 2  # built networks that are kept: a base serves many variants


class PreparedNetworks:
    """Opens every network in memory of its own, but builds none twice, and proves none twice in the same settings.

    A deployed network is a copy, so that those of one variant lie in different places all the same.
    """

    def __init__(self) -> None:
        self._bodies: dict[tuple[str, int, tuple[int, ...]], Detector] = {}
        self._proofs: dict[tuple[object, ...], tuple[Errors, Errors]] = {}

    def open(
        self,
        variant: Variant,
        runtime: str,
        settings: Settings,
        *,
        classes: int,
        images: Tensor,
        phase_times: PhaseTimes,
    ) -> Proved:
        """A session for `images` (B, 3, H, W) in 0..1.

        Raises:
            MismatchError: its predictions are not those of eager mode, or not finite.
            RuntimeUnfitError: the runtime, device or precision is not to be had here.
            SpecError: the variant does not build, or not for images of this size.
        """
        with phase_times.phase("building"):
            model = deploy(self._body(variant, classes, images))
        key = (variant.fingerprint, classes, runtime, settings.options, tuple(images.shape))
        with phase_times.phase("opening"):
            if key not in self._proofs:
                proved = open_proved(runtime, model, settings.options, images)
                self._proofs[key] = (proved.found, proved.allowed)
                return proved
            session = open_session(runtime, model, settings.options, images)
            return Proved(session, session.prepare(images), *self._proofs[key])

    def _body(self, variant: Variant, classes: int, images: Tensor) -> Detector:
        key = (variant.fingerprint, classes, tuple(images.shape))
        # the one that was asked for last stands last
        body = self._bodies.pop(key, None) or _livened(variant, classes, images)
        self._bodies[key] = body
        while len(self._bodies) > _BODIES:
            del self._bodies[next(iter(self._bodies))]
        return body


def _livened(variant: Variant, classes: int, images: Tensor) -> Detector:
    model = build(variant, classes, seed=0)
    for side in images.shape[2:]:
        require_image_size(model, side)
    return liven(model, images)
