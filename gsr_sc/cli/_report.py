"""`gsr-sc report`: what is stored of a map, as one page to read and to pass on."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

import numpy as np

from ..slots import ADDED_UNS, Keys
from ._files import read
from ._fit import size
from ._page import Page
from ._pictures import pictures

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData

_MEASURES = {
    "explained_variance": "explained variance, held out",
    "explained_variance_unregularised": "the same without the penalty",
    "deviance_explained": "deviance explained, held out",
    "deviance_explained_unregularised": "the same without the penalty",
    "moran_i": "Moran's I of the activations: how smooth the picture of a cell is",
    "dirichlet_energy": "Dirichlet energy of the activations",
    "n_dead": "dead neurons, which no cell uses",
}
_CAPTIONS = {
    "latent_grid": "What each of {label} lights up on the map.",
    "clusters": "What each cluster of the map lights up.",
    "neuron_graph": "The neurons and their ties; each shows who lights it.",
    "history": "How the training went.",
    "map": "The cells on the map, by {label}.",
    "map_clusters": "The cells on the map, by cluster.",
}
_TOP_GENES = 12


def report(*, source: Path, target: Path, label: str | None = None, key: str | None = None) -> None:
    """Write one page on the map that a data set holds.

    Raises
    ------
    ValueError
        If the page cannot be written there, or `label` is no column of groups.
    KeyError
        If there is no map or no such column.
    """
    if target.suffix not in (".html", ".htm"):
        msg = f"the report {str(target)!r} is a page; end its name in .html"
        raise ValueError(msg)
    if not target.parent.is_dir() or not os.access(target.parent, os.W_OK):
        msg = f"cannot write to the folder {str(target.parent)!r}; make it first, or choose another"
        raise ValueError(msg)
    adata = read(source)
    text = page(adata, name=source.name, label=label, key=key)
    part = target.with_name(f".{target.name}.part")
    try:
        part.write_text(text, encoding="utf-8")
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)
    print(f"wrote {target}")


def page(adata: AnnData, *, name: str, label: str | None = None, key: str | None = None) -> str:
    """Return the page on a stored map as HTML."""
    from .. import get

    quality = get.quality(adata, key=key)
    stored = adata.uns[Keys.of(key).uns]
    if label is not None:
        _require_groups(adata, label)
    result = Page(f"Map of {name}", size(adata, key))
    if stored["params"].get("interrupted", False):
        result.text("The fit was interrupted: this is the best map until then.", "warning")
    result.section("Quality")
    result.table(("measure", "value"), _quality(quality))
    for what in ADDED_UNS:
        added = adata.uns.get(Keys.of(key).added(what))
        if hasattr(added, "keys") and "verdict" in added:
            result.text(f"{what.replace('_', ' ').capitalize()}: {added['verdict']}", "note")
    dead = get.neurons(adata, key=key).query("is_dead").index
    if len(dead):
        result.text(f"Dead neurons: {', '.join(map(str, dead))}.", "warning")
    result.section("The map")
    for kind, figure in pictures(adata, label=label, key=key):
        result.picture(figure, _CAPTIONS[kind].format(label=label))
    if label is not None:
        result.section("Indicators")
        result.text(
            f"For each of {label} the neuron that indicates it best, no neuron twice, and how well: the chance that it is "
            "more active in a cell of that label than in another cell."
        )
        result.table((label, "cells", "neuron", "AUROC"), _indicators(adata, label, key))
    result.section("Clusters and their genes")
    result.table(("cluster", "cells", "mean confidence", *_composition_name(label)), _clusters(adata, label, key))
    _add_genes(result, adata, key)
    result.section("Parameters")
    shown = [(name, _plain(value)) for name, value in sorted(stored["params"].items())]
    result.table(("parameter", "as used"), shown, folded=f"{len(shown)} parameters")
    result.table(("package", "version"), sorted(stored.get("versions", {}).items()), folded="Versions")
    return result.html()


def _quality(quality: Any) -> list[tuple[str, Any]]:
    rows = [(_MEASURES.get(name, name.replace("_", " ")), float(value)) for name, value in quality.items()]
    return [(text, int(value) if text == _MEASURES["n_dead"] else value) for text, value in rows]


def _require_groups(adata: AnnData, label: str) -> None:
    if label not in adata.obs:
        msg = f"`--label {label}` is no column of .obs, which holds {list(adata.obs)}"
        raise KeyError(msg)
    n_groups = adata.obs[label].nunique()
    if not 2 <= n_groups <= adata.n_obs / 2:
        msg = f"`--label {label}` has {n_groups} different values; choose a column of groups, such as cell types"
        raise ValueError(msg)


def _indicators(adata: AnnData, label: str, key: str | None) -> list[tuple[Any, ...]]:
    from .. import get, metrics

    labels = adata.obs[label].astype("category")
    kept = labels.notna().to_numpy()
    activations = adata.obsm[Keys.of(key).latent]
    neurons, counts = get.neurons(adata, key=key).index, labels.value_counts()
    found = metrics.indicator_auroc_per_label(activations[kept], labels[kept].astype(str))
    rows: list[tuple[Any, ...]] = [
        (name, int(counts[name]), neurons[neuron], float(value))
        for name, neuron, value in found.sort_values("auroc", ascending=False).itertuples(index=False)
    ]
    return [*rows, ("mean", int(kept.sum()), "", float(found["auroc"].mean()))]


def _composition_name(label: str | None) -> tuple[str, ...]:
    return () if label is None else (f"mostly ({label})",)


def _clusters(adata: AnnData, label: str | None, key: str | None) -> list[tuple[Any, ...]]:
    keys = Keys.of(key)
    cluster, confidence = adata.obs[keys.cluster], adata.obs[keys.confidence]
    rows = []
    for name in cluster.cat.categories:
        member = (cluster == name).to_numpy()
        row: tuple[Any, ...] = (name, int(member.sum()), float(confidence[member].mean()) if member.any() else "")
        if label is not None:
            shares = adata.obs[label][member].value_counts(normalize=True).head(3)
            row = (*row, ", ".join(f"{value} {share:.0%}" for value, share in shares.items() if share >= 0.05))
        rows.append(row)
    return rows


def _add_genes(result: Page, adata: AnnData, key: str | None) -> None:
    from .. import get

    keys = Keys.of(key)
    if keys.programs not in adata.varm:
        result.text("The map was fitted on a representation, so there are no gene programs.")
        return
    programs = get.programs(adata, key=key, groups=True)
    rows = []
    for name in programs.columns:
        effects = programs[name].dropna().sort_values(ascending=False, kind="stable")
        up, down = effects[effects > 0].head(_TOP_GENES), effects[effects < 0][::-1].head(_TOP_GENES // 2)
        rows.append((name, ", ".join(map(str, up.index)), ", ".join(map(str, down.index))))
    result.table(("cluster", "genes up", "genes down"), rows)


def _plain(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return ", ".join(map(str, value.tolist()))
    if isinstance(value, float | np.floating):
        return f"{value:g}"
    return str(value)
