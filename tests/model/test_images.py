"""Images as observations: digits as coherent pictures on a sheet, a turning object as a bump that goes round a ring."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from anndata import AnnData
from scipy.ndimage import gaussian_filter, rotate
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

import gsr_sc
from gsr_sc import GSR, metrics
from gsr_sc.graphs._position import steps_between
from gsr_sc.slots import StoredMap


@pytest.fixture(scope="module")
def digits() -> tuple[AnnData, GSR]:
    """The 1797 pictures of scikit-learn, on the default grid."""
    pictures, digit = load_digits(return_X_y=True)
    # Of the 64 pixels three have no ink in any picture.
    adata = AnnData((pictures / 16).astype(np.float32)[:, pictures.any(axis=0)])
    adata.obs["digit"] = pd.Categorical(digit.astype(str))
    model = GSR(n_jobs=1, max_epochs=10).fit(adata, progress=False)
    model.annotate(adata)
    return adata, model


def test_neighbouring_neurons_stand_for_like_pictures(digits: tuple[AnnData, GSR]) -> None:
    adata, model = digits
    n_neurons = adata.obsm["X_gsr"].shape[1]
    used = adata.obsm["X_gsr"].max(axis=0) > 0.3
    pictures = model.decode(np.eye(n_neurons, dtype=np.float32))
    # All digits share ink in the middle: how they differ from their mean is what tells them apart.
    alike, steps = np.corrcoef(pictures - pictures[used].mean(axis=0)), steps_between(StoredMap(adata, None).graph)
    pair = used[:, None] & used[None, :]
    near, far = alike[pair & (steps == 1)].mean(), alike[pair & (steps >= 6)].mean()
    assert near > far + 0.35
    assert far < 0.1
    # And each is like the pictures that light it up, not the mean of all.
    winner = adata.obsm["X_gsr"].argmax(axis=1)
    of_cells = np.array([adata.X[winner == neuron].mean(axis=0) for neuron in np.unique(winner)])
    both = [np.corrcoef(pictures[neuron], mean)[0, 1] for neuron, mean in zip(np.unique(winner), of_cells, strict=True)]
    assert np.mean(both) > 0.8


def test_digits_are_indicated_by_neurons_better_than_by_components(digits: tuple[AnnData, GSR]) -> None:
    adata, _ = digits
    components = PCA(50, random_state=0).fit_transform(adata.X)
    ours = metrics.indicator_auroc(adata.obsm["X_gsr"], adata.obs["digit"])
    assert ours > 0.95
    assert ours > metrics.indicator_auroc(components, adata.obs["digit"]) + 0.05


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_turning_object_goes_round_a_ring(seed: int) -> None:
    rng = np.random.default_rng(seed)
    shape = np.zeros((24, 24))
    # A bar with a knob at one end and a side arm: no half or quarter turn looks the same.
    shape[5:19, 11:13] = 1
    shape[4:8, 9:15] = 1
    shape[13:15, 13:18] = 0.7
    pose = np.arange(72) * 5.0
    views = np.array([gaussian_filter(rotate(shape, angle, reshape=False, order=1), 1.0) for angle in pose])
    views = np.clip(views + rng.normal(0, 0.02, views.shape), 0, 1)
    # The order of the views is not to tell the pose.
    turned = rng.permutation(72)
    adata = AnnData(views.reshape(72, -1).astype(np.float32)[turned])
    gsr_sc.tl.fit(adata, graph="ring", max_epochs=60, rng=seed, n_jobs=1, progress=False)
    assert metrics.circular_concordance(adata.obs["gsr_order"], np.radians(pose[turned])) >= 0.95
