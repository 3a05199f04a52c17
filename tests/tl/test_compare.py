"""Conditions on the same map, with samples as replicates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import anndata as ad
import numpy as np
import pandas as pd
import pytest
from _hash import hash_adata
from _maps import KINDS, MapKind, make_map
from scipy import stats

import gsr_sc
from gsr_sc import get

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData


def donors(
    adata: AnnData, *, n: int = 4, effect: float = 0.0, spread: float = 0.8, seed: int = 0, paired: bool = False
) -> AnnData:
    """Give cells to `n` donors per condition; type 0 is `2^effect` times as frequent in `b`.

    Donors differ in how frequent types are by `spread` (standard deviation of log2), as real ones do.
    """
    rng = np.random.default_rng(seed)
    types = adata.obs["cell_type"].cat.codes.to_numpy()
    treated = np.arange(2 * n) >= n
    frequency = spread * rng.normal(size=(2 * n, types.max() + 1))
    if paired:
        frequency[n:] = frequency[:n] + 0.1 * rng.normal(size=(n, types.max() + 1))
    frequency[treated, 0] += effect
    weight = 2.0**frequency
    chance = (weight / weight.sum(axis=1, keepdims=True))[:, types]
    donor = (np.log(chance) - np.log(-np.log(rng.random(chance.shape)))).argmax(axis=0)
    adata.obs["donor"] = pd.Categorical([f"d{k % n}" if paired else f"d{k}" for k in donor])
    adata.obs["sample"] = pd.Categorical([f"s{k}" for k in donor])
    adata.obs["condition"] = pd.Categorical(np.where(treated[donor], "b", "a"), categories=["a", "b", "unused"])
    return adata


def compared(kind: MapKind = "grid", *, n_obs: int = 800, **options: Any) -> AnnData:
    simulated = {name: options.pop(name) for name in ("n", "effect", "spread", "seed", "paired") if name in options}
    adata = donors(make_map(kind, n_obs=n_obs), **simulated)
    gsr_sc.tl.compare(adata, **{"groupby": "condition", "sample": "sample", "n_permutations": 0, **options})
    return adata


@pytest.mark.parametrize("kind", KINDS)
def test_what_grew_is_found_where_it_is(kind: MapKind) -> None:
    adata = compared(kind, effect=3, spread=0.3)
    groups = get.compare(adata, of="groups").set_index("group")
    assert groups["pval_adj"].idxmin() == "0"
    assert groups.loc["0", "pval_adj"] < 0.05
    assert groups.loc["0", "log2_fold_change"] > 0.5
    assert groups.loc["0", "ci_low"] > 0
    assert (groups["ci_low"] < groups["log2_fold_change"]).all()
    neurons = get.compare(adata).set_index("neuron")
    assert neurons["log2_fold_change"].iloc[adata.uns["home"][0]] > 0.5
    assert (
        neurons.loc[["E5", "E6"] if kind == "grid" else list(neurons.index[-2:])]
        .drop(columns=["condition", "reference", "share", "share_reference"])
        .isna()
        .all()
        .all()
    ), "dead"
    assert set(neurons["condition"]) == {"b"}


def test_shares_are_those_of_samples() -> None:
    adata = compared()
    stored = adata.uns["gsr_compare"]
    samples = get.compare(adata, of="samples")
    assert samples["n_cells"].sum() == adata.n_obs
    assert samples.set_index("sample")["condition"].to_dict() == adata.obs.set_index("sample")["condition"].to_dict()
    weights = gsr_sc.graphs.sharpened(adata.obsm["X_gsr"], 2)
    for name, shares in zip(samples["sample"], stored["shares"], strict=True):
        np.testing.assert_allclose(shares, weights[adata.obs["sample"] == name].mean(axis=0), rtol=1e-4)
    table = get.compare(adata)
    np.testing.assert_allclose(
        table["share_reference"], stored["shares"][samples["condition"] == "a"].mean(axis=0), rtol=1e-4
    )
    y = np.log2(stored["shares"] + 0.5 / samples["n_cells"].median())[:, :28]
    expected = stats.ttest_ind(y[samples["condition"] == "b"], y[samples["condition"] == "a"]).pvalue
    np.testing.assert_allclose(table["pval"][:28], expected, rtol=1e-3)
    np.testing.assert_allclose(table["pval_adj"][:28], stats.false_discovery_control(expected), rtol=1e-3)


def test_p_values_are_uniform_where_only_donors_differ() -> None:
    adata = make_map("line", n_obs=600, n_types=5)
    p, overall = [], []
    for seed in range(100):
        gsr_sc.tl.compare(
            donors(adata, n=3, spread=1.5, seed=seed), groupby="condition", sample="sample", n_permutations=0
        )
        p.append(get.compare(adata, of="groups")["pval"].to_numpy())
        overall.append(get.compare(adata, of="map")["pval"].iloc[0])
    shares = [(np.array(p) <= level).mean() for level in (0.05, 0.2, 0.5)]
    assert (np.abs(np.subtract(shares, (0.05, 0.2, 0.5))) < (0.03, 0.06, 0.08)).all(), shares
    assert np.mean(np.array(overall) <= 0.05) < 0.1
    # Cells as replicates would have found something nearly every time.
    cells = stats.chi2_contingency(pd.crosstab(adata.obs["condition"], adata.obs["cell_type"])).pvalue
    assert cells < 0.01


def test_pairs_take_out_differences_between_donors() -> None:
    alone = compared(effect=2.5, spread=2, paired=True, n=5)
    paired = compared(effect=2.5, spread=2, paired=True, n=5, pairs="donor")
    p = [get.compare(a, of="groups").set_index("group").loc["0", "pval"] for a in (alone, paired)]
    assert p[1] < 0.01 < p[0]
    # The same donors, each measured in both conditions.
    both = compared(effect=2.5, spread=2, paired=True, n=5, sample="donor", pairs="donor")
    pd.testing.assert_frame_equal(get.compare(both), get.compare(paired))
    with pytest.raises(ValueError, match=r"'d0' of 'donor' has cells of several.*`pairs='donor'`"):
        compared(paired=True, sample="donor")
    with pytest.raises(ValueError, match="cannot be told from those between pairs"):
        compared(pairs="condition")
    with pytest.raises(ValueError, match="name their column with `sample=`"):
        compared(sample=None, pairs="donor")


def test_without_samples_there_are_effects_and_no_p_values() -> None:
    with pytest.warns(UserWarning, match="no replicates"):
        adata = compared(sample=None, effect=2)
    table = get.compare(adata)
    assert table[["pval", "pval_adj", "ci_low", "t"]].isna().all().all()
    assert table["log2_fold_change"].iloc[adata.uns["home"][0]] > 0.8
    assert "no replicates" in adata.uns["gsr_compare"]["note"]
    assert get.compare(adata, of="map")["method"].iloc[0] == "none"
    with pytest.warns(UserWarning, match=r"Fewer than two samples of \['a', 'b'\]"):
        single = compared(n=1)
    assert get.compare(single)["pval"].isna().all()


def test_every_condition_against_the_reference() -> None:
    adata = donors(make_map(n_obs=900), n=6, effect=1)
    adata.obs["time"] = pd.Categorical(
        [
            "t2" if name in {"s0", "s1", "s6", "s7"} else f"t{condition == 'b':d}"
            for name, condition in zip(adata.obs["sample"], adata.obs["condition"], strict=True)
        ]
    )
    gsr_sc.tl.compare(adata, groupby="time", sample="sample", n_permutations=0)
    assert list(get.compare(adata, of="map")["condition"]) == ["t1", "t2"]
    assert len(get.compare(adata)) == 60
    gsr_sc.tl.compare(adata, groupby="time", sample="sample", reference="t1", n_permutations=0)
    table = get.compare(adata, of="groups")
    assert set(table["reference"]) == {"t1"}
    assert set(table["condition"]) == {"t0", "t2"}
    with pytest.raises(ValueError, match="`reference` in 'time': 't9' not found"):
        gsr_sc.tl.compare(adata, groupby="time", sample="sample", reference="t9")


def test_every_parameter_changes_something() -> None:
    adata = compared(n=6, effect=1)
    assert get.compare(adata, of="map")["method"].tolist() == ["simes"]
    told = []
    for rng in (0, 0, 1):
        gsr_sc.tl.compare(adata, groupby="condition", sample="sample", n_permutations=60, rng=rng)
        told.append(get.compare(adata, of="map")["pval"].iloc[0])
    assert get.compare(adata, of="map")["method"].tolist() == ["permutation"]
    assert told[0] == told[1] != told[2]
    fewest = int(get.compare(adata, of="samples")["n_cells"].min())
    gsr_sc.tl.compare(adata, groupby="condition", sample="sample", min_cells=fewest + 1, n_permutations=0)
    assert len(get.compare(adata, of="samples")) < 12
    other = gsr_sc.tl.compare(adata, groupby="batch", sample="donor", pairs="donor", n_permutations=0, copy=True)
    assert other is not None
    assert set(get.compare(other)["condition"]) == {"b2"} or set(get.compare(other)["condition"]) == {"b1"}
    assert set(get.compare(adata)["condition"]) == {"b"}
    for options in ({"min_cells": 0}, {"n_permutations": -1}):
        with pytest.raises(ValueError, match=next(iter(options))):
            gsr_sc.tl.compare(adata, groupby="condition", sample="sample", **options)
    with pytest.raises(ValueError, match="10000 cells or more"):
        gsr_sc.tl.compare(adata, groupby="condition", sample="sample", min_cells=10000)
    with pytest.raises(KeyError, match="Did you mean 'condition'"):
        gsr_sc.tl.compare(adata, groupby="conditio", sample="sample")
    adata.obs["one"] = "x"
    with pytest.raises(ValueError, match="one condition only, 'x'"):
        gsr_sc.tl.compare(adata, groupby="one", sample="sample")


def test_missing_values_and_views() -> None:
    adata = donors(make_map(n_obs=600), n=3)
    adata.obs.loc[adata.obs_names[:50], "condition"] = np.nan
    adata.obs.loc[adata.obs_names[50:80], "sample"] = np.nan
    before = hash_adata(adata)
    copied = gsr_sc.tl.compare(adata, groupby="condition", sample="sample", n_permutations=0, copy=True)
    assert hash_adata(adata) == before
    assert copied is not None
    assert get.compare(copied, of="samples")["n_cells"].sum() == 520
    view = adata[80:]
    gsr_sc.tl.compare(view, groupby="condition", sample="sample", n_permutations=0)
    pd.testing.assert_frame_equal(get.compare(view), get.compare(copied))
    assert hash_adata(adata) == before


def with_genes(*, n: int = 4, n_genes: int = 150, effect: float = 0.0, spread: float = 0.3, seed: int = 0) -> AnnData:
    """Counts of genes that differ between donors by `spread` (log2); in type 0, the first ten are `2^effect` times as many."""
    made = donors(make_map(n_obs=1000), n=n, spread=0.2, seed=seed)
    rng = np.random.default_rng(seed)
    donor = made.obs["sample"].cat.codes.to_numpy()
    level = np.log2(rng.gamma(2, 2, n_genes) + 0.3) + spread * rng.normal(size=(2 * n, n_genes))
    change = np.zeros((made.n_obs, n_genes))
    change[((made.obs["condition"] == "b") & (made.obs["cell_type"] == "type 0")).to_numpy(), :10] = effect
    depth = rng.lognormal(0, 0.3, made.n_obs)[:, None]
    adata = ad.AnnData(rng.poisson(depth * 2.0 ** (level[donor] + change)).astype(np.float32), obs=made.obs)
    adata.obsm.update(made.obsm)
    adata.uns.update(made.uns)
    return adata


def test_genes_that_differ_at_a_place_are_found_there() -> None:
    adata = with_genes(effect=2)
    before = hash_adata(adata)
    options: dict[str, Any] = {"groupby": "condition", "sample": "sample", "n_permutations": 0}
    gsr_sc.tl.compare(adata, genes=True, **options)
    assert {slot for slot in hash_adata(adata) if "gsr_compare" not in slot} == set(before)
    table = get.compare(adata, of="genes")
    assert set(table["condition"]) == {"b"}
    assert set(table["reference"]) == {"a"}
    found = table[table["pval_adj"] < 0.1]
    assert set(found.loc[found["group"] == "0", "gene"]) >= {str(k) for k in range(10)}
    assert (found["group"] == "0").mean() > 0.8
    here = table[(table["group"] == "0") & table["gene"].isin([str(k) for k in range(10)])]
    # Counts are shares of a total that grows with ten genes of 150.
    assert here["log2_fold_change"].median() == pytest.approx(2, abs=0.5)
    assert ((here["ci_low"] < here["log2_fold_change"]) & (here["log2_fold_change"] < here["ci_high"])).all()
    for _, rows in table.groupby("group", observed=True):
        np.testing.assert_allclose(rows["pval_adj"], stats.false_discovery_control(rows["pval"]))
    # Logarithms tell the same, each sample as the mean of its cells.
    adata.layers["log"] = np.log1p(adata.X / adata.X.sum(axis=1, keepdims=True) * 1e3)
    gsr_sc.tl.compare(adata, genes=True, layer="log", **options)
    logs = get.compare(adata, of="genes")
    assert set(logs.loc[(logs["pval_adj"] < 0.1) & (logs["group"] == "0"), "gene"]) >= {str(k) for k in range(10)}
    gsr_sc.tl.compare(adata, **options)
    with pytest.raises(KeyError, match="genes=True"):
        get.compare(adata, of="genes")
    with pytest.raises(ValueError, match="`genes=True` compares samples"):
        gsr_sc.tl.compare(adata, groupby="condition", genes=True)


def test_p_values_of_genes_are_uniform_where_only_donors_differ() -> None:
    p, false = [], []
    for seed in range(12):
        adata = with_genes(n=3, seed=seed)
        gsr_sc.tl.compare(adata, groupby="condition", sample="sample", n_permutations=0, genes=True)
        table = get.compare(adata, of="genes")
        p.append(table["pval"].to_numpy())
        false.append((table["pval_adj"] < 0.1).any())
    p = np.concatenate(p)
    shares = [(p <= level).mean() for level in (0.01, 0.05, 0.2, 0.5)]
    assert (np.abs(np.subtract(shares, (0.01, 0.05, 0.2, 0.5))) < (0.008, 0.02, 0.05, 0.07)).all(), shares
    # Four groups are asked in each, and donors differ in all of them alike.
    assert np.mean(false) <= 0.5


def test_genes_with_pairs_and_places_without_enough_samples() -> None:
    adata = with_genes(n=4, effect=1.5, spread=0.0)
    # What belongs to a donor, whatever the condition.
    rng = np.random.default_rng(1)
    pair = adata.obs["sample"].cat.codes.to_numpy() % 4
    adata.obs["donor"] = pd.Categorical([f"d{k}" for k in pair])
    adata.X = rng.poisson(adata.X * 2.0 ** (1.5 * rng.normal(size=(4, adata.n_vars)))[pair]).astype(np.float32)
    options: dict[str, Any] = {"groupby": "condition", "sample": "sample", "n_permutations": 0, "genes": True}
    n_found = []
    for pairs in (None, "donor"):
        gsr_sc.tl.compare(adata, pairs=pairs, **options)
        table = get.compare(adata, of="genes")
        n_found.append(int((table.loc[table["group"] == "0", "pval_adj"] < 0.05).sum()))
    assert n_found[1] >= n_found[0] + 3
    in_a = ((adata.obs["condition"] == "a") & (adata.obs["cell_type"] == "type 0")).to_numpy()
    gsr_sc.tl.compare(few := adata[~in_a].copy(), **options)
    assert "0" not in set(get.compare(few, of="genes")["group"])
    with pytest.warns(UserWarning, match="Fewer than two samples"):
        gsr_sc.tl.compare(one := adata[np.isin(adata.obs["sample"], ["s0", "s4"])].copy(), **options)
    assert get.compare(one, of="genes").empty
    gsr_sc.tl.compare(adata, **{**options, "min_cells": 40})
    assert len(get.compare(adata, of="genes")) < len(table)


@pytest.mark.parametrize("suffix", ["h5ad", "zarr"])
def test_survives_files(suffix: str, tmp_path: Path) -> None:
    adata = compared(genes=True)
    getattr(adata, f"write_{suffix}")(tmp_path / f"a.{suffix}")
    back = getattr(ad, f"read_{suffix}")(tmp_path / f"a.{suffix}")
    for of in ("neurons", "groups", "map", "samples", "genes"):
        pd.testing.assert_frame_equal(
            get.compare(adata, of=of), get.compare(back, of=of), check_dtype=False, check_index_type=False
        )  # type: ignore[arg-type]
    with pytest.raises(KeyError, match=r"gsr_sc.tl.compare\(adata\)"):
        get.compare(make_map())
    with pytest.raises(ValueError, match="`of` is 'cells'"):
        get.compare(adata, of="cells")  # type: ignore[arg-type]
