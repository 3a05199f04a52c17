"""Values that are taken as given may be in any unit, and counted from any origin."""

from __future__ import annotations

from typing import Any

import anndata as ad
import numpy as np
import pytest

import gsr_sc
from gsr_sc import GSR

# Enough to see what the network makes of a unit.
SHORT: dict[str, Any] = {"n_neurons": 16, "max_epochs": 20, "smoothness": 0.1, "n_jobs": 1, "rng": 0}


@pytest.mark.parametrize("values", ["representation", "unit", "given"])
def test_the_map_does_not_depend_on_units(values: str) -> None:
    adata = gsr_sc.datasets.simulate_clusters(300, 30)
    x = adata.X - adata.X.min()
    x /= x.max()
    if values == "representation":
        maps = [fit_given(x, {"use_rep": "rep"}, factor=k, rep=True) for k in (1, 1e-6, 1e5)]
    elif values == "unit":
        maps = [fit_given(x, {}, factor=k) for k in (1, 1e-5)]
    else:
        maps = [fit_given(x, {"transform": None}, factor=k, shift=s) for k, s in ((1, 0), (1e-6, 0), (1e5, 3e5))]
    for each in maps[1:]:
        assert each.uns["gsr"]["params"]["transform"] == "none"
        # The same but for what rounding makes of a training.
        aligned = [np.corrcoef(a, b)[0, 1] for a, b in zip(each.obsm["X_gsr"], maps[0].obsm["X_gsr"], strict=True)]
        assert np.mean(aligned) > 0.98
        explained = [one.uns["gsr"]["quality"]["explained_variance"] for one in (each, maps[0])]
        assert abs(explained[0] - explained[1]) < 0.01


def fit_given(
    x: np.ndarray, options: dict[str, Any], *, factor: float, shift: float = 0.0, rep: bool = False
) -> ad.AnnData:
    values = (factor * x + shift).astype(np.float32)
    adata = ad.AnnData(np.ones_like(values), obsm={"rep": values}) if rep else ad.AnnData(values)
    gsr_sc.tl.fit(adata, **SHORT, **options)
    return adata


def test_values_as_given_come_back_in_their_units() -> None:
    x = gsr_sc.datasets.simulate_clusters(300, 30).X
    decoded, programs = [], []
    for factor, shift in ((1, 0), (50, 7)):
        adata = ad.AnnData((factor * x + shift).astype(np.float32))
        model = GSR(**SHORT, transform=None).fit(adata)
        decoded.append((model.decode(model.transform(adata)) - shift) / factor)
        programs.append(model.fitted.programs / factor)
    assert 1 - ((decoded[0] - x) ** 2).sum() / ((x - x.mean(axis=0)) ** 2).sum() > 0.5
    np.testing.assert_allclose(decoded[1], decoded[0], atol=0.05 * x.std())
    np.testing.assert_allclose(programs[1], programs[0], atol=0.05 * x.std())
