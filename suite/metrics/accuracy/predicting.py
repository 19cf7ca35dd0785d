"""A trained network's predictions as a runtime makes them, for batches of which the last need not be full."""

import torch
from torch import Tensor

from suite.nn.deploy import deploy
from suite.nn.network import Detector
from suite.protocols.setups import Setup
from suite.runtimes import Options, Session, open_session


class Predictor:
    """Callable on images (B, 3, H, W) in 0..1, with predictions (B, N, 5 + classes) in fp32.

    The first batch decides the shape that the deployed network is opened for, and in int8 the
    scales; a smaller one is filled up with black, of which nothing is given back.

    Raises:
        RuntimeUnfitError: on the first call, if the runtime, the device or the precision is not to be had here.
    """

    def __init__(self, model: Detector, setup: Setup, threads: int) -> None:
        self._model = deploy(model)
        self._runtime = setup.runtime
        self._options = Options(setup.device, setup.precision, threads)
        self._session: Session | None = None
        self._batch = 0

    def __call__(self, images: Tensor) -> Tensor:
        """Predictions, until the next call."""
        if self._session is None:
            self._session = open_session(self._runtime, self._model, self._options, images)
            self._batch = len(images)
        black = images.new_zeros(self._batch - len(images), *images.shape[1:])
        prepared = self._session.prepare(torch.cat((images, black)))
        return self._session.run(prepared)[: len(images)].float()
