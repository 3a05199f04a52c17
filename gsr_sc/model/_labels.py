"""The classifier beside the reconstruction: how much its loss counts, and how good it is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._fitted import label_probabilities

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..inputs import Covariates
    from ..nn import GraphAutoencoder

# Share of the loss of guessing by frequency, beside a reconstruction whose loss starts at about one.
_WEIGHT = 0.1


def label_context(covariates: Covariates, training: NDArray[np.intp]) -> dict[str, Any]:
    """What the training is told of labels; see :class:`~gsr_sc.training.Context`.

    Raises
    ------
    ValueError
        If no training observation is labelled, or all have the same label.
    """
    if covariates.labels is None:
        return {}
    seen = covariates.labels[training]
    frequency = np.bincount(seen[seen >= 0], minlength=1) / max((seen >= 0).sum(), 1)
    entropy = float(-(frequency[frequency > 0] * np.log(frequency[frequency > 0])).sum())
    if entropy == 0:
        msg = "Fewer than two labels are left among the observations to train on; label more of them."
        raise ValueError(msg)
    return {"labels": covariates.labels, "n_labels": len(covariates.label_names), "label_weight": _WEIGHT / entropy}


def label_quality(
    network: GraphAutoencoder,
    covariates: Covariates,
    activations: NDArray[np.float32],
    held_out: NDArray[np.intp],
) -> dict[str, float]:
    """Accuracy on held-out observations that have a label, overall and as the mean over labels; empty without any.

    `activations` are those of the held-out rows.
    """
    if covariates.labels is None:
        return {}
    labels = covariates.labels[held_out]
    labelled = labels >= 0
    if not labelled.any():
        return {}
    true = labels[labelled]
    right = label_probabilities(network, activations[labelled]).argmax(axis=1) == true
    by_label = [right[true == label].mean() for label in np.unique(true)]
    return {"label_accuracy": float(right.mean()), "label_accuracy_balanced": float(np.mean(by_label))}
