"""`gsr-sc demo`: one real data set, from its cells to pictures."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ._fit import size
from ._pictures import pictures

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anndata import AnnData

_FOLDER, _DATA, _LABELS = Path("gsr-demo"), "pbmc68k.h5ad", "bulk_labels"


def demo(*, out: Path = _FOLDER, n_jobs: int = 2, **options: Any) -> None:
    """Fit scanpy's bundled blood cells, print how good the map is, and leave data and pictures in a folder.

    Raises
    ------
    OSError
        If the folder cannot be written to; before any training.
    """
    started = time.perf_counter()
    try:
        out.mkdir(parents=True, exist_ok=True)
        (out / _DATA).touch()
    except OSError as error:
        msg = f"cannot write to {str(out)!r} ({error.strerror}); choose another folder with --out"
        raise OSError(msg) from error
    from .. import datasets, tl

    adata = datasets.pbmc68k()
    before = time.perf_counter()
    tl.fit(adata, progress=True, n_jobs=n_jobs, **options)
    training = time.perf_counter() - before
    adata.write_h5ad(out / _DATA)
    written = [out / _DATA]
    for name, figure in pictures(adata, label=_LABELS):
        written.append(out / f"{name}.png")
        figure.savefig(written[-1], dpi=150, bbox_inches="tight", pad_inches=0.1)
    print("\n".join(_table(adata)))
    print(
        f"\n{training:.0f} s of training, {time.perf_counter() - started:.0f} s in all. Written:", *written, sep="\n  "
    )


def _table(adata: AnnData) -> Iterator[str]:
    """How good the map is, line by line."""
    from .. import get, metrics

    quality = get.quality(adata)
    yield size(adata)
    yield ""
    for name, value in {
        "explained variance, held out": quality["explained_variance"],
        "explained variance without the penalty": quality["explained_variance_unregularised"],
        "Moran's I of the activations": quality["moran_i"],
    }.items():
        yield f"{name:46}{value:8.3f}"
    yield ""
    yield f"{'cell type':32}{'cells':>6}{'neuron':>8}{'AUROC':>8}"
    auroc = metrics.indicator_auroc_per_label(adata.obsm["X_gsr"], adata.obs[_LABELS])
    neurons, counts = get.neurons(adata).index, adata.obs[_LABELS].value_counts()
    for label, neuron, value in auroc.itertuples(index=False):
        yield f"{label:32}{counts[label]:6}{neurons[neuron]:>8}{value:8.3f}"
    yield f"{'mean':46}{auroc['auroc'].mean():8.3f}"
