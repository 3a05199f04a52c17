"""Variational autoencoders of counts: scVI, LinearSCVI and DRVI at their own defaults, within a limit of minutes.

The minutes are those of the processor: on one thread, as long as on the clock of a machine that does nothing else. So
what else runs there takes no epochs from anyone.
"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from _measures import signed
from _result import Result

if TYPE_CHECKING:
    from _sets import DataSet


def scvi(data: DataSet, *, seed: int, minutes: float) -> Result:
    """scVI."""
    from scvi.model import SCVI

    return _trained(SCVI, data, seed=seed, minutes=minutes)


def linear_scvi(data: DataSet, *, seed: int, minutes: float) -> Result:
    """LinearSCVI."""
    from scvi.model import LinearSCVI

    return _trained(LinearSCVI, data, seed=seed, minutes=minutes)


def drvi(data: DataSet, *, seed: int, minutes: float) -> Result:
    """DRVI."""
    from drvi.model import DRVI

    return _trained(DRVI, data, seed=seed, minutes=minutes, setup={"is_count_data": True})


def _trained(kind: Any, data: DataSet, *, seed: int, minutes: float, setup: dict[str, Any] | None = None) -> Result:
    """Train for the default number of epochs, or for as many as the minutes allow."""
    import scvi

    scvi.settings.seed = seed
    adata = data.adata.copy()
    kind.setup_anndata(adata, **(setup or {}))
    model = kind(adata)
    # The rule that all three share for their default.
    default = int(min(round(20000 / adata.n_obs * 400), 400))
    model.train(
        max_epochs=default,
        accelerator="cpu",
        callbacks=[_limit(60 * minutes)],
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    z = np.asarray(model.get_latent_representation(), dtype=np.float64)
    epochs = len(next(iter(model.history.values())))
    return Result(
        spaces={"latent": z},
        indicators={"latent": signed(z)},
        notes={"epochs": epochs, "default epochs": default, "dimensions": z.shape[1]},
    )


def _limit(seconds: float) -> Any:
    """Return a callback that ends the training after the epoch in which the seconds were spent."""
    from lightning.pytorch.callbacks import Callback

    end = time.process_time() + seconds

    class Limit(Callback):
        def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:  # noqa: ARG002
            trainer.should_stop = trainer.should_stop or time.process_time() > end

    return Limit()
