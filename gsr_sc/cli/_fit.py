"""`gsr-sc fit` and `gsr-sc map`."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from .._processes import rank
from ..slots import STRANGE, Keys
from ._files import check_target, read, write

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData


def fit(*, source: Path, target: Path, progress: bool = True, **options: Any) -> None:
    """Train a map on one file and write it to another; `options` are those of `tl.fit`."""
    check_target(target)
    adata = read(source)
    from .. import get, tl
    from ..training import checkpoints_kept

    started = time.perf_counter()
    with checkpoints_kept():
        tl.fit(adata, progress=progress, **options)
        seconds = time.perf_counter() - started
        if rank() > 0:
            return
        write(adata, target)
    key = options.get("key_added")
    quality = get.quality(adata, key=key)
    print(
        f"{size(adata, key)}, {seconds:.0f} s",
        f"held-out explained variance {quality['explained_variance']:.3f}, "
        f"without the penalty {quality['explained_variance_unregularised']:.3f}",
        f"Moran's I {quality['moran_i']:.3f}, dead neurons {quality['n_dead']:.0f}",
        f"wrote {target}",
        sep="\n",
    )


def place(
    *,
    model: Path,
    source: Path,
    target: Path,
    reference: Path | None = None,
    device: str = "auto",
    key_added: str | None = None,
    **options: Any,
) -> None:
    """Place the cells of one file on the map of a saved model and write them to another; `options` are of `tl.map_query`."""
    check_target(target)
    adata = read(source)
    labelled = None if reference is None else read(reference)
    from .. import tl
    from ..model import GSR

    loaded = GSR.load(model, device=device)
    tl.map_query(adata, loaded, reference=labelled, key_added=key_added, **options)
    if rank() > 0:
        return
    write(adata, target)
    keys = Keys.of(key_added)
    report, novelty = adata.uns[keys.added("query")], adata.obs[keys.added("novelty")]
    print(
        f"{adata.n_obs} cells placed on {loaded.fitted.graph.n_neurons} neurons",
        f"{report['n_matched']} of {report['n_variables']} variables matched",
        sep="\n",
    )
    if novelty.notna().any():
        print(f"{(novelty > STRANGE).mean():.1%} of the cells stranger than {STRANGE:.0%} of the reference")
    print(f"wrote {target}")


def size(adata: AnnData, key: str | None = None) -> str:
    """How much was fitted, and how."""
    params = adata.uns[Keys.of(key).uns]["params"]
    return (
        f"{params['n_obs']} cells x {params['n_vars']} variables, {params['n_neurons']} neurons "
        f"({params['graph']}, transform {params['transform']}, smoothness {params['smoothness']:g})"
    )
