"""Variational autoencoders of counts: scVI, LinearSCVI and DRVI at their own defaults, within a limit of minutes.

The minutes are those of the processor: on one thread, as long as on the clock of a machine that does nothing else. So
what else runs there takes no epochs from anyone.
"""

from __future__ import annotations

import importlib
import time
from typing import TYPE_CHECKING, Any

import numpy as np
from _measures import signed
from _result import Result

if TYPE_CHECKING:
    from _sets import DataSet
    from anndata import AnnData


# Module and class of each, and what it has to be told of the data.
MODELS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "scVI": ("scvi.model", "SCVI", {}),
    "LinearSCVI": ("scvi.model", "LinearSCVI", {}),
    "DRVI": ("drvi.model", "DRVI", {"is_count_data": True}),
}


def untrained(name: str, adata: AnnData) -> Any:
    """A model at its defaults of counts in X."""
    module, kind, told = MODELS[name]
    made = getattr(importlib.import_module(module), kind)
    made.setup_anndata(adata, **told)
    return made(adata)


def train(model: Any, *, max_epochs: int, callback: Any) -> None:
    """Train without a word."""
    model.train(
        max_epochs=max_epochs,
        accelerator="cpu",
        callbacks=[callback],
        enable_progress_bar=False,
        enable_model_summary=False,
    )


def trained(name: str, data: DataSet, *, seed: int, minutes: float) -> Result:
    """Train for the default number of epochs, or for as many as the minutes allow."""
    import scvi

    scvi.settings.seed = seed
    adata = data.adata.copy()
    model = untrained(name, adata)
    # The rule that all three share for their default.
    default = int(min(round(20000 / adata.n_obs * 400), 400))
    train(model, max_epochs=default, callback=_limit(60 * minutes))
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
