"""New cells on a frozen map: where they come to lie, what is said of their genes, labels and strangeness."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import anndata
import numpy as np
import pandas as pd
import pytest
from _fits import QUICK, busy_cells
from _hash import changed_slots, hash_adata
from scipy import sparse
from scipy.stats import ks_2samp

import gsr_sc
from gsr_sc import GSR

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData

N_GENES = 120


def simulated(n_obs: int = 900, *, counts: bool = True) -> AnnData:
    """Cells of nine types, with identifiers of their genes."""
    adata = gsr_sc.datasets.simulate_clusters(n_obs, N_GENES, counts=counts, rng=1)
    adata.var["gene_ids"] = [f"ENSG{i:011d}.{i % 5}" for i in range(N_GENES)]
    adata.uns["cluster_colors"] = [f"#0000{i:02d}" for i in range(9)]
    return adata


class Trained:
    """A model, cells that it was fitted on, others of the same types, and some of a type that it never saw."""

    def __init__(self, *, counts: bool, **options: Any) -> None:
        adata = simulated(counts=counts)
        new = (adata.obs["supercluster"] == "B").to_numpy()
        drawn = np.random.default_rng(0).random(adata.n_obs) < 0.4
        self.reference, self.query = adata[~new & ~drawn].copy(), adata[~new & drawn].copy()
        self.strange = adata[new].copy()
        self.model = GSR(n_jobs=1, max_epochs=30, smoothness=0.5, **options).fit(self.reference)
        self.model.annotate(self.reference)

    def map(self, query: AnnData, **options: Any) -> AnnData:
        mapped = gsr_sc.tl.map_query(query, self.model, copy=True, **options)
        assert mapped is not None
        return mapped


@pytest.fixture(scope="module")
def trained() -> Trained:
    return Trained(counts=True)


@pytest.fixture(scope="module")
def on_logs() -> Trained:
    return Trained(counts=False)


def accuracy(mapped: AnnData) -> float:
    return float((mapped.obs["gsr_label"].astype(str) == mapped.obs["cluster"].astype(str)).mean())


def is_uniform(novelty: pd.Series[float], trained: Trained) -> bool:
    """As far as can be asked: the cells that it was calibrated on are a sample themselves."""
    fitted = trained.model.fitted.novelty
    assert fitted is not None
    return bool(ks_2samp(novelty, (np.arange(fitted.n_held_out) + 0.5) / fitted.n_held_out).pvalue > 1e-3)


class TestPlaces:
    def test_the_reference_lies_exactly_where_it_was(self, trained: Trained) -> None:
        again = trained.map(trained.reference[::-1])
        before = trained.reference[::-1]
        for slot in ("X_gsr", "X_gsr_map", "X_gsr_indicators"):
            np.testing.assert_allclose(again.obsm[slot], before.obsm[slot], atol=1e-6)
        assert again.obs["gsr_cluster"].tolist() == before.obs["gsr_cluster"].tolist()
        same_rows = trained.map(trained.reference)
        np.testing.assert_array_equal(same_rows.obsm["X_gsr"], trained.reference.obsm["X_gsr"])

    def test_order_of_genes_and_others_between_them_change_nothing(self, trained: Trained) -> None:
        expected = trained.map(trained.query)
        order = np.random.default_rng(0).permutation(N_GENES)
        others = np.random.default_rng(1).poisson(5, (trained.query.n_obs, 30)).astype(np.float32)
        wider = anndata.AnnData(
            sparse.hstack([sparse.csr_matrix(others), sparse.csr_matrix(trained.query.X)[:, order]]).tocsr(),
            obs=trained.query.obs,
            var=pd.DataFrame(index=[*(f"new{i}" for i in range(30)), *trained.query.var_names[order]]),
        )
        mapped = trained.map(wider)
        np.testing.assert_allclose(mapped.obsm["X_gsr"], expected.obsm["X_gsr"], atol=1e-5)
        np.testing.assert_allclose(mapped.obs["gsr_novelty"], expected.obs["gsr_novelty"], atol=0.02)
        assert mapped.uns["gsr_query"]["n_extra"] == 30
        assert mapped.uns["gsr_query"]["n_matched"] == expected.uns["gsr_query"]["n_matched"]
        np.testing.assert_array_equal(mapped.varm["gsr_programs"][30:], expected.varm["gsr_programs"][order])
        assert np.isnan(mapped.varm["gsr_programs"][:30]).all()
        # The same holds for a model that is asked for activations alone.
        np.testing.assert_allclose(trained.model.transform(wider), expected.obsm["X_gsr"], atol=1e-5)

    def test_cells_are_counted_over_the_genes_of_the_reference(self) -> None:
        adata = simulated(300)
        adata.var["highly_variable"] = np.arange(N_GENES) < 40
        model = GSR(**QUICK).fit(adata)
        whole = gsr_sc.tl.map_query(adata, model, copy=True)
        part = gsr_sc.tl.map_query(adata[:, :70], model, copy=True)
        assert part.uns["gsr_query"]["n_matched"] == whole.uns["gsr_query"]["n_matched"] == len(model.var_names)
        genes = model.fitted.genes
        assert genes is not None
        assert genes.share.sum() == pytest.approx(1, abs=1e-5)
        # Without the genes that are not read, totals are estimated from what they usually are.
        near = np.abs(part.obsm["X_gsr"] - whole.obsm["X_gsr"]).sum(axis=1)
        model.fitted.__dict__["genes"] = None
        plain = np.abs(model.transform(adata[:, :70]) - whole.obsm["X_gsr"]).sum(axis=1)
        assert near.mean() < 0.5 * plain.mean()

    def test_pl_and_get_work_on_the_query(self, trained: Trained) -> None:
        mapped = trained.map(trained.query)
        assert gsr_sc.get.activations(mapped).shape == mapped.obsm["X_gsr"].shape
        assert gsr_sc.get.neurons(mapped).shape[0] == mapped.obsm["X_gsr"].shape[1]


class TestGenes:
    def test_missing_genes_are_reported_and_made_up_for(self, trained: Trained) -> None:
        kept = np.random.default_rng(2).random(N_GENES) < 0.6
        whole = trained.map(trained.query, reference=trained.reference, labels_key="cluster")
        part = trained.map(trained.query[:, kept], reference=trained.reference, labels_key="cluster")
        report = part.uns["gsr_query"]
        missing = [name for name in trained.model.var_names if name not in set(trained.query.var_names[kept])]
        assert report["missing"].tolist() == missing
        assert report["n_matched"] == report["n_variables"] - len(missing)
        assert report["missing_share"] == pytest.approx(len(missing) / report["n_variables"])
        # As well as on a map that never knew these genes: more is not to be had from the others.
        reference = anndata.AnnData(trained.reference.X[:, kept], obs=trained.reference.obs[["cluster"]])
        reference.var_names = trained.reference.var_names[kept]
        model = GSR(n_jobs=1, max_epochs=30, smoothness=0.5).fit(reference)
        model.annotate(reference)
        mapped = gsr_sc.tl.map_query(
            trained.query[:, kept].copy(), model, copy=True, reference=reference, labels_key="cluster"
        )
        assert accuracy(part) > accuracy(mapped) - 0.05
        # Genes that are missing at the mean, and no more, would draw cells to the middle.
        x = sparse.csr_matrix(trained.query.X).toarray()
        source_like = trained.query.copy()
        mean = trained.reference.X.mean(axis=0)
        x[:, ~kept] = np.asarray(mean).ravel()[~kept].round()
        source_like.X = x
        naive = trained.map(source_like, reference=trained.reference, labels_key="cluster")
        assert accuracy(part) > accuracy(naive)
        off = np.linalg.norm(part.obsm["X_gsr"] - whole.obsm["X_gsr"], axis=1).mean()
        assert off < 0.9 * np.linalg.norm(naive.obsm["X_gsr"] - whole.obsm["X_gsr"], axis=1).mean()

    def test_too_few_genes_are_refused(self, trained: Trained) -> None:
        few = trained.query[:, :40]
        with pytest.raises(ValueError, match=r"in \.var_names \(3\d%\); `min_overlap` asks for 50%.*`var_key`"):
            trained.map(few)
        # What is named is what is not in both.
        with pytest.raises(ValueError, match=f"the model has '{trained.query.var_names[40]}'.*the data nothing else"):
            trained.map(few)
        assert trained.map(few, min_overlap=0.2).uns["gsr_query"]["missing_share"] > 0.6
        with pytest.raises(ValueError, match=r"`min_overlap` asks for 100%"):
            trained.map(trained.query[:, 1:], min_overlap=1.0)
        for wrong in (0, 1.5):
            with pytest.raises(ValueError, match="`min_overlap` is"):
                trained.map(trained.query, min_overlap=wrong)

    def test_genes_are_matched_by_identifier(self, trained: Trained, tmp_path: Path) -> None:
        expected = trained.map(trained.query).obsm["X_gsr"]
        by_id = trained.query[:, ::-1].copy()
        by_id.var["other"] = [f"{name.split('.')[0]}.9" for name in by_id.var["gene_ids"]]
        by_id.var_names = [f"locus{i}" for i in range(N_GENES)]
        mapped = trained.map(by_id, var_key="other")
        np.testing.assert_allclose(mapped.obsm["X_gsr"], expected, atol=1e-5)
        assert mapped.uns["gsr_query"]["matched_by"] == "other"
        assert mapped.uns["gsr_query"]["matched_to"] == "gene_ids"
        with pytest.raises(ValueError, match=r"0 of the .* are in \.var_names"):
            trained.map(by_id)
        # Identifiers may be the names themselves, and the model may come from a folder.
        by_id.var_names = by_id.var["other"].to_numpy()
        trained.model.save(tmp_path / "m")
        gsr_sc.tl.map_query(by_id, tmp_path / "m", n_jobs=1, device="cpu")
        np.testing.assert_allclose(by_id.obsm["X_gsr"], expected, atol=1e-5)
        with pytest.raises(KeyError, match=r"`var_key='nothing'` is not in \.var"):
            trained.map(trained.query, var_key="nothing")

    @pytest.mark.filterwarnings("ignore:Variable names are not unique")
    def test_names_that_are_there_twice_are_refused(self, trained: Trained) -> None:
        twice = trained.query[:, [*range(N_GENES), 5]].copy()
        with pytest.raises(ValueError, match="not unique: 'gene5' are there more than once"):
            trained.map(twice)
        # What the model does not read may be called anything.
        twice.var_names = [*(f"gene{i}" for i in range(N_GENES - 2)), "x", "x", "x"]
        assert trained.map(twice).uns["gsr_query"]["n_extra"] == 3


class TestValues:
    def test_counts_and_logarithms_are_told_apart(self, trained: Trained, on_logs: Trained) -> None:
        with pytest.raises(ValueError, match="X holds counts, but the model was fitted on values that are not whole"):
            on_logs.map(trained.query)
        with pytest.warns(
            UserWarning, match="the model was fitted on counts. They are taken for logarithms of abundances"
        ):
            trained.map(on_logs.query)

    def test_scaled_values_are_refused_where_the_fit_was_on_logarithms(self) -> None:
        adata = simulated(200)
        adata.X = np.log1p(adata.X.toarray())
        model = GSR(**QUICK, transform="combined").fit(adata)
        scaled = adata.copy()
        scaled.X = (scaled.X - scaled.X.mean(axis=0)) / scaled.X.std(axis=0).clip(1e-3)
        with pytest.raises(ValueError, match="below zero, but the model was fitted on values that are not"):
            gsr_sc.tl.map_query(scaled, model)
        other = adata.copy()
        other.X = other.X / np.log(2) * 1.2
        with pytest.warns(UserWarning, match=r"on average 1\.7 times those that the model was fitted on"):
            gsr_sc.tl.map_query(other, model)
        gsr_sc.tl.map_query(adata[:50].copy(), model)

    def test_a_layer_instead_of_that_of_the_fit(self) -> None:
        adata = busy_cells()
        model = GSR(**QUICK, layer="counts").fit(adata)
        expected = model.transform(adata)
        mapped = gsr_sc.tl.map_query(adata, model, copy=True)
        np.testing.assert_array_equal(mapped.obsm["X_gsr"], expected)
        mapped = gsr_sc.tl.map_query(adata, model, layer="dense", copy=True)
        np.testing.assert_allclose(mapped.obsm["X_gsr"], expected, atol=1e-5)
        adata.X = adata.layers.pop("counts")
        mapped = gsr_sc.tl.map_query(adata, model, layer="X", copy=True)
        np.testing.assert_allclose(mapped.obsm["X_gsr"], expected, atol=1e-5)
        with pytest.raises(KeyError, match="counts"):
            gsr_sc.tl.map_query(adata, model)

    def test_batches_that_the_model_has_not_seen(self) -> None:
        adata = simulated(300)
        adata.obs["batch"] = np.where(np.arange(300) % 3, "a", "b")
        model = GSR(**QUICK, batch_key="batch").fit(adata)
        known = gsr_sc.tl.map_query(adata, model, copy=True)
        np.testing.assert_array_equal(known.obsm["X_gsr"], model.transform(adata))
        assert known.uns["gsr_query"]["unseen_batches"].size == 0
        new = adata.copy()
        new.obs["batch"] = np.where(np.arange(300) < 150, adata.obs["batch"], "c")
        with pytest.warns(UserWarning, match="not seen these batches: 'batch: c'"):
            gsr_sc.tl.map_query(new, model)
        assert new.uns["gsr_query"]["unseen_batches"].tolist() == ["batch: c"]
        np.testing.assert_array_equal(new.obsm["X_gsr"][:150], known.obsm["X_gsr"][:150])
        other = adata.copy()
        other.obs["batch"] = np.where(adata.obs["batch"] == "a", "b", "a")
        swapped = model.transform(other)
        between = np.minimum(known.obsm["X_gsr"], swapped) - 0.02 <= new.obsm["X_gsr"]
        assert between[150:].mean() > 0.9, "the mean of both batches lies between them"
        del new.obs["batch"]
        with pytest.warns(UserWarning, match="no such column"):
            gsr_sc.tl.map_query(new, model)


class TestNovelty:
    def test_more_cells_of_the_reference_are_uniform_and_a_new_type_is_not(self, trained: Trained) -> None:
        usual = trained.map(trained.query, together=False).obs["gsr_novelty"]
        strange = trained.map(trained.strange, together=False).obs["gsr_novelty"]
        assert usual.between(0, 1, inclusive="left").all()
        assert is_uniform(usual, trained)
        assert (usual > 0.9).mean() < 0.2
        # From counts of 120 genes, a lineage that is new is not told from every cell of the others.
        assert (strange.to_numpy()[:, None] > usual.to_numpy()[None, :]).mean() > 0.9

    def test_on_logarithms_too(self, on_logs: Trained) -> None:
        usual = on_logs.map(on_logs.query).obs["gsr_novelty"]
        strange = on_logs.map(on_logs.strange).obs["gsr_novelty"]
        assert is_uniform(usual, on_logs)
        assert (strange.to_numpy()[:, None] > usual.to_numpy()[None, :]).mean() > 0.95

    def test_less_depth_makes_nothing_new(self, trained: Trained) -> None:
        thin = trained.query.copy()
        counts = sparse.csr_matrix(thin.X, copy=True)
        counts.data = np.random.default_rng(0).binomial(counts.data.astype(int), 0.4).astype(np.float32)
        thin.X = counts
        usual = trained.map(thin, together=False).obs["gsr_novelty"]
        assert (usual > 0.95).mean() < 0.1
        assert usual.mean() < 0.6

    def test_a_cell_is_judged_by_itself(self, trained: Trained) -> None:
        of_many = trained.map(trained.query, together=False).obs["gsr_novelty"]
        alone = trained.map(trained.query[[3]], together=False).obs["gsr_novelty"]
        assert alone.iloc[0] == pytest.approx(of_many.iloc[3], abs=1e-3)

    def test_missing_genes_do_not_make_cells_strange(self, trained: Trained) -> None:
        kept = np.random.default_rng(2).random(N_GENES) < 0.7
        usual = trained.map(trained.query[:, kept]).obs["gsr_novelty"]
        strange = trained.map(trained.strange[:, kept]).obs["gsr_novelty"]
        assert (usual > 0.9).mean() < 0.25
        assert strange.median() > 0.9

    def test_together_a_new_type_is_seen_and_cells_of_the_reference_stay_usual(self, trained: Trained) -> None:
        query = anndata.concat([trained.query, trained.strange[:30]])
        new = np.arange(query.n_obs) >= trained.query.n_obs
        auroc = {}
        for together in (True, False):
            mapped = trained.map(query, reference=trained.reference, together=together)
            novelty = mapped.obs["gsr_novelty"]
            assert is_uniform(novelty[~new], trained)
            assert mapped.uns["gsr_query"]["judged_together"] == together
            assert mapped.uns["gsr_query"]["n_novelty_reference"] == trained.model.fitted.params["n_held_out"]
            auroc[together] = (novelty[new].to_numpy()[:, None] > novelty[~new].to_numpy()[None, :]).mean()
            # All held-out cells of so small a reference are kept in the model.
            by_those_kept = trained.map(query, together=together)
            np.testing.assert_allclose(novelty, by_those_kept.obs["gsr_novelty"], atol=1e-3)
            assert by_those_kept.uns["gsr_query"]["judged_together"] == together
        assert auroc[True] > max(auroc[False], 0.97)

    def test_a_type_between_known_ones_is_found_among_its_own_kind(self, trained: Trained) -> None:
        rng = np.random.default_rng(3)
        counts, clusters = trained.query.X.toarray(), trained.query.obs["cluster"].to_numpy()
        first, second = (rng.choice(np.flatnonzero(clusters == name), 150) for name in (min(clusters), max(clusters)))
        halves = [rng.binomial(counts[rows].astype(int), 0.5) for rows in (first, second)]
        mixed = anndata.AnnData(sparse.csr_matrix(sum(halves), dtype=np.float32), var=trained.query.var)
        query = anndata.concat([trained.query, mixed], index_unique="-")
        new = np.arange(query.n_obs) >= trained.query.n_obs
        auroc = {}
        for together in (True, False):
            novelty = trained.map(query, reference=trained.reference, together=together).obs["gsr_novelty"].to_numpy()
            assert is_uniform(novelty[~new], trained)
            auroc[together] = (novelty[new][:, None] > novelty[~new]).mean()
        assert auroc[True] > 0.9 > auroc[False]

    def test_cells_that_are_seen_better_are_not_new(self, trained: Trained) -> None:
        """They have less noise, and are nearer to each other than to those of the reference."""
        strange: dict[bool, list[float]] = {True: [], False: []}
        for seed in range(4):
            reference, rng = trained.reference.copy(), np.random.default_rng(seed)
            reference.X.data = rng.binomial(reference.X.data.astype(int), 1 / 3).astype(np.float32)
            model = GSR(n_jobs=1, max_epochs=30, smoothness=0.5).fit(reference)
            for together, shares in strange.items():
                mapped = gsr_sc.tl.map_query(trained.query, model, reference=reference, together=together, copy=True)
                shares.append((mapped.obs["gsr_novelty"] > 0.95).mean())
        assert np.mean(strange[True]) < np.mean(strange[False])

    def test_a_query_that_differs_as_a_whole_is_judged_cell_by_cell(self, trained: Trained) -> None:
        query = trained.query.copy()
        favoured = np.random.default_rng(0).random(N_GENES) < 0.3
        query.X = sparse.csr_matrix(query.X.multiply(np.where(favoured, 2, 1)))
        mapped = trained.map(query, reference=trained.reference)
        assert not mapped.uns["gsr_query"]["judged_together"]
        alone = trained.map(query, reference=trained.reference, together=False)
        np.testing.assert_array_equal(mapped.obs["gsr_novelty"], alone.obs["gsr_novelty"])

    @pytest.mark.parametrize("n_known", [20, 100])
    def test_cells_of_a_new_type_are_not_another_batch_however_many(
        self, trained: Trained, n_known: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        query = anndata.concat([trained.query[:n_known], trained.strange])
        assert trained.map(query).uns["gsr_query"]["judged_together"]
        # They lie in all groups and shift most of them, so that they would be taken for one.
        monkeypatch.setattr("gsr_sc.model._beside.STRANGE", 2)
        monkeypatch.setattr("gsr_sc.model._beside._CROWDED", np.inf)
        monkeypatch.setattr("gsr_sc.model._beside.common_excess", lambda *_: 1e9)
        assert not trained.map(query).uns["gsr_query"]["judged_together"]

    def test_genes_are_missing_in_held_out_cells_too(self, trained: Trained) -> None:
        kept = np.random.default_rng(2).random(N_GENES) < 0.4
        query = trained.query[:, kept]
        for together in (True, False):
            for reference in (trained.reference, None):
                options: dict[str, Any] = {"reference": reference, "together": together, "min_overlap": 0.2}
                assert is_uniform(trained.map(query, **options).obs["gsr_novelty"], trained)
                strange = trained.map(trained.strange[:, kept], **options).obs["gsr_novelty"]
                assert strange.median() > 0.9

    @pytest.mark.parametrize("change", ["order", "values", "cells", "genes", "kind", "layer"])
    def test_another_reference_judges_nothing(self, trained: Trained, change: str, tmp_path: Path) -> None:
        trained.model.save(tmp_path / "m")
        without_cells = GSR.load(tmp_path / "m")
        other = trained.reference.copy()
        if change == "order":
            other = other[::-1].copy()
        elif change == "values":
            other.X = other.X * 2
        elif change == "cells":
            other = other[1:].copy()
        elif change == "genes":
            other.var_names = [f"other{i}" for i in range(N_GENES)]
        elif change == "kind":
            other.X = -other.X
        else:
            del other.X
        for model in (without_cells, trained.model):
            mapped = gsr_sc.tl.map_query(trained.query, model, reference=other, copy=True)
            expected = gsr_sc.tl.map_query(trained.query, model, copy=True)
            assert mapped.uns["gsr_query"]["judged_together"] == (model is trained.model)
            np.testing.assert_array_equal(mapped.obs["gsr_novelty"], expected.obs["gsr_novelty"])

    @pytest.mark.parametrize(
        "options", [{"likelihood": "nb"}, {"transform": "pearson"}, {"batch_key": "batch"}, {"use_rep": "rep"}], ids=str
    )
    def test_together_whatever_the_model_reads(self, options: dict[str, Any]) -> None:
        adata = simulated(300)
        adata.obs["batch"] = np.where(np.arange(300) % 3, "a", "b")
        adata.obsm["rep"] = np.log1p(adata.X.toarray()[:, :20]).astype(np.float32)
        model = GSR(**QUICK, **options).fit(adata)
        mapped = gsr_sc.tl.map_query(adata, model, reference=adata, copy=True)
        assert mapped.uns["gsr_query"]["judged_together"]
        assert mapped.obs["gsr_novelty"].between(0, 1).all()
        by_those_kept = gsr_sc.tl.map_query(adata, model, copy=True)
        np.testing.assert_allclose(by_those_kept.obs["gsr_novelty"], mapped.obs["gsr_novelty"], atol=1e-3)

    def test_it_travels_with_the_model_and_no_cell_does_unless_asked(
        self, trained: Trained, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        trained.model.save(tmp_path / "m")
        loaded = GSR.load(tmp_path / "m")
        novelty = loaded.fitted.novelty
        assert novelty is not None
        assert novelty.n_held_out == trained.model.fitted.params["n_held_out"]
        assert loaded.fitted.sample is None
        with caplog.at_level("INFO"):
            again = gsr_sc.tl.map_query(trained.query, loaded, copy=True)
        assert any("`cells=True`" in record.message for record in caplog.records)
        assert not again.uns["gsr_query"]["judged_together"]
        expected = trained.map(trained.query, together=False)
        np.testing.assert_allclose(again.obs["gsr_novelty"], expected.obs["gsr_novelty"], atol=1e-3)
        trained.model.save(tmp_path / "m", cells=True, overwrite=True)
        again = gsr_sc.tl.map_query(trained.query, tmp_path / "m", device="cpu", copy=True)
        assert again.uns["gsr_query"]["judged_together"]
        np.testing.assert_array_equal(again.obs["gsr_novelty"], trained.map(trained.query).obs["gsr_novelty"])

    def test_models_that_do_not_know_what_is_usual_say_so(
        self, tmp_path: Path, caplog: pytest.LogCaptureFixture
    ) -> None:
        adata = simulated(150)
        model = GSR(**QUICK).fit(adata)
        model.save(tmp_path / "small")
        mapped = gsr_sc.tl.map_query(adata, GSR.load(tmp_path / "small"), copy=True)
        assert mapped.obs["gsr_novelty"].isna().all()
        assert mapped.uns["gsr_query"]["n_novelty_reference"] == 0
        (said,) = (record for record in caplog.records if "novelty is NaN" in record.message)
        assert said.levelname == "WARNING"

    def test_folders_of_earlier_versions(self, trained: Trained, tmp_path: Path) -> None:
        from safetensors.numpy import load_file, save_file

        trained.model.save(tmp_path / "m")
        arrays = load_file(tmp_path / "m" / "arrays.safetensors")
        old = {name: value for name, value in arrays.items() if not name.startswith(("novelty.", "genes."))}
        assert len(old) < len(arrays)
        save_file(old, tmp_path / "m" / "arrays.safetensors")
        description = json.loads((tmp_path / "m" / "model.json").read_text())
        del description["genes"]
        (tmp_path / "m" / "model.json").write_text(json.dumps(description))
        mapped = gsr_sc.tl.map_query(trained.query, tmp_path / "m", device="cpu", copy=True)
        np.testing.assert_array_equal(mapped.obsm["X_gsr"], trained.map(trained.query).obsm["X_gsr"])
        assert mapped.obs["gsr_novelty"].isna().all()

    def test_what_is_usual_in_another_form_is_not_taken_for_ours(self, trained: Trained, tmp_path: Path) -> None:
        from safetensors.numpy import load_file, save_file

        trained.model.save(tmp_path / "m")
        arrays = load_file(tmp_path / "m" / "arrays.safetensors")
        arrays["novelty.precision"] = arrays.pop("novelty.along_scale")
        save_file(arrays, tmp_path / "m" / "arrays.safetensors")
        mapped = gsr_sc.tl.map_query(trained.query[:20], tmp_path / "m", device="cpu", copy=True)
        assert mapped.obs["gsr_novelty"].isna().all()

    def test_cells_without_counts_have_none(self, trained: Trained) -> None:
        query = trained.query[:20].copy()
        query.X = query.X.toarray()
        query.X[4] = 0
        mapped = trained.map(query)
        assert mapped.obs["gsr_novelty"].isna().tolist() == [i == 4 for i in range(20)]
        assert mapped.obs["gsr_cluster"].iloc[4] == "unassigned"

    @pytest.mark.parametrize(
        "options", [{"likelihood": "nb"}, {"likelihood": "poisson"}, {"transform": "pearson"}], ids=str
    )
    def test_whatever_the_decoder_is_judged_by(self, options: dict[str, Any]) -> None:
        adata = simulated(300)
        model = GSR(**{**QUICK, "max_epochs": 10}, **options).fit(adata)
        shuffled = adata.copy()
        x = adata.X.toarray()
        for column in x.T:
            np.random.default_rng(0).shuffle(column)
        shuffled.X = x[:, np.random.default_rng(1).permutation(N_GENES)]
        usual = gsr_sc.tl.map_query(adata, model, copy=True).obs["gsr_novelty"]
        strange = gsr_sc.tl.map_query(shuffled, model, copy=True).obs["gsr_novelty"]
        assert np.isfinite(usual).all()
        assert strange.mean() > usual.mean() + 0.3

    def test_shares_and_representations(self) -> None:
        adata = simulated(300, counts=False)
        adata.obsm["rep"] = np.asarray(adata.X[:, :20], dtype=np.float32)
        mapped = gsr_sc.tl.map_query(adata, GSR(**QUICK, use_rep="rep").fit(adata), copy=True)
        assert mapped.obs["gsr_novelty"].between(0, 1).all()
        assert "gsr_programs" not in mapped.varm
        adata.X = (np.median(adata.X, axis=0) < adata.X).astype(np.float32)
        mapped = gsr_sc.tl.map_query(adata, GSR(**QUICK, likelihood="bernoulli").fit(adata), copy=True)
        assert mapped.obs["gsr_novelty"].between(0, 1).all()


class TestLabels:
    def test_they_are_carried_over_with_how_often_they_are_right(self, trained: Trained) -> None:
        mapped = trained.map(trained.query, reference=trained.reference, labels_key="cluster")
        assert accuracy(mapped) > 0.75
        confidence = mapped.obs["gsr_label_confidence"]
        assert confidence.between(0, 1).all()
        assert confidence.mean() == pytest.approx(accuracy(mapped), abs=0.08)
        assert list(mapped.obs["gsr_label"].cat.categories) == list(trained.reference.obs["cluster"].cat.categories)
        assert list(mapped.uns["gsr_label_colors"]) == list(trained.reference.uns["cluster_colors"])

    def test_the_table_of_a_query(self, trained: Trained) -> None:
        mapped = trained.map(trained.query)
        assert list(gsr_sc.get.query(mapped)) == ["neuron", "cluster", "novelty"]
        mapped = trained.map(trained.query, reference=trained.reference, labels_key="cluster", key_added="q")
        table = gsr_sc.get.query(mapped, key="q")
        assert list(table) == ["neuron", "cluster", "novelty", "label", "confidence"]
        assert table.index.equals(mapped.obs_names)
        assert table["label"].tolist() == mapped.obs["q_label"].tolist()
        with pytest.raises(KeyError, match="map_query"):
            gsr_sc.get.query(trained.reference)

    def test_neighbours_and_missing_labels(self, trained: Trained) -> None:
        reference = trained.reference.copy()
        one, many = (
            trained.map(trained.query, reference=reference, labels_key="cluster", n_neighbors=k).obs["gsr_label"]
            for k in (1, 40)
        )
        assert (one != many).any()
        labels = reference.obs["cluster"].astype(object)
        labels[labels == "A1"] = np.nan
        reference.obs["cluster"] = labels
        mapped = trained.map(trained.query, reference=reference, labels_key="cluster")
        assert "A1" not in set(mapped.obs["gsr_label"])
        with pytest.raises(ValueError, match="`n_neighbors` is 0"):
            trained.map(trained.query, reference=reference, labels_key="cluster", n_neighbors=0)

    def test_another_map_of_the_reference(self, trained: Trained) -> None:
        reference = trained.reference.copy()
        trained.model.annotate(reference, key_added="second")
        for name in [name for name in reference.obsm if name.startswith("X_gsr")]:
            del reference.obsm[name]
        options: dict[str, Any] = {"reference": reference, "labels_key": "cluster"}
        with pytest.raises(KeyError, match="No map is stored under 'gsr'"):
            trained.map(trained.query, **options)
        mapped = trained.map(trained.query, key="second", key_added="mine", **options)
        assert {"mine_label", "mine_label_confidence", "mine_novelty", "mine_neuron"} <= set(mapped.obs)
        assert "mine_query" in mapped.uns
        assert not [name for name in mapped.obs if name.startswith("gsr")]

    def test_the_map_has_to_be_that_of_the_model(self, trained: Trained) -> None:
        reference = trained.reference.copy()
        GSR(**QUICK, graph="ring", n_neurons=12).fit(reference).annotate(reference)
        with pytest.raises(ValueError, match="The map in `reference` is not that of the model"):
            trained.map(trained.query, reference=reference, labels_key="cluster")

    def test_options_that_do_not_go_together(self, trained: Trained) -> None:
        with pytest.raises(ValueError, match="needs the labelled data as `reference`: the model was fitted without"):
            trained.map(trained.query, labels_key="cluster")
        with pytest.raises(KeyError, match="nothing"):
            trained.map(trained.query, reference=trained.reference, labels_key="nothing")

    def test_a_classifier_needs_no_reference(self) -> None:
        adata = simulated(300)
        model = GSR(**QUICK, labels_key="cluster").fit(adata)
        mapped = gsr_sc.tl.map_query(adata, model, labels_key="cluster", copy=True)
        assert mapped.obs["gsr_label"].tolist() == mapped.obs["gsr_prediction"].tolist()
        assert mapped.obs["gsr_label_confidence"].between(0, 1).all()
        with pytest.raises(ValueError, match="fitted with those of 'cluster'"):
            gsr_sc.tl.map_query(adata, model, labels_key="supercluster")


class TestData:
    DECLARED = frozenset(
        {
            *(f"obsm/{name}" for name in ("X_gsr", "X_gsr_map", "X_gsr_indicators")),
            *(
                f"obs/gsr_{name}"
                for name in ("neuron", "cluster", "confidence", "novelty", "label", "label_confidence")
            ),
            "varm/gsr_programs",
            "uns/gsr_label_colors",
        }
    )

    def test_only_declared_slots_change(self, trained: Trained) -> None:
        query, reference, model_before = trained.query.copy(), trained.reference, trained.model.summary()
        before, before_reference = hash_adata(query), hash_adata(reference)
        assert gsr_sc.tl.map_query(query, trained.model, reference=reference, labels_key="cluster") is None
        changed = changed_slots(before, hash_adata(query))
        assert {
            slot for slot in changed if not slot.startswith(("uns/gsr/", "uns/gsr_query")) and slot != "uns/gsr"
        } == self.DECLARED
        assert changed_slots(before_reference, hash_adata(reference)) == set()
        assert trained.model.summary() == model_before
        # Mapped again without labels, nothing is left of them.
        gsr_sc.tl.map_query(query, trained.model)
        assert "gsr_label" not in query.obs
        assert "gsr_label_colors" not in query.uns

    def test_a_copy_leaves_the_original_and_errors_leave_all(self, trained: Trained) -> None:
        query = trained.query.copy()
        before = hash_adata(query)
        trained.map(query)
        with pytest.raises(ValueError, match="min_overlap"):
            gsr_sc.tl.map_query(query[:, :10], trained.model)
        assert changed_slots(before, hash_adata(query)) == set()

    def test_a_view_becomes_actual_and_its_parent_stays(self, trained: Trained) -> None:
        parent = trained.query.copy()
        before = hash_adata(parent)
        view = parent[5:50, 3:]
        gsr_sc.tl.map_query(view, trained.model)
        assert not view.is_view
        assert changed_slots(before, hash_adata(parent)) == set()

    @pytest.mark.parametrize("form", ["h5ad", "zarr"])
    def test_it_survives_a_file(self, trained: Trained, form: str, tmp_path: Path) -> None:
        kept = np.arange(N_GENES) != 7
        for query in (trained.query[:30], trained.query[:, kept])[: 2 if form == "h5ad" else 1]:
            mapped = trained.map(query, reference=trained.reference, labels_key="cluster")
            path = tmp_path / f"{query.n_vars}.{form}"
            getattr(mapped, f"write_{form}")(path)
            back = getattr(anndata, f"read_{form}")(path)
            for name in ("gsr_novelty", "gsr_label", "gsr_label_confidence"):
                assert back.obs[name].tolist() == mapped.obs[name].tolist()
            report = back.uns["gsr_query"]
            assert set(report) == set(mapped.uns["gsr_query"])
            assert list(report["missing"]) == list(mapped.uns["gsr_query"]["missing"])
            gsr_sc.tl.map_query(back, trained.model)
