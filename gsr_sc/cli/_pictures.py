"""The pictures that the commands draw of a stored map."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ..slots import UNASSIGNED, Keys

if TYPE_CHECKING:
    from collections.abc import Iterator

    from anndata import AnnData


def pictures(adata: AnnData, *, label: str | None, key: str | None = None) -> Iterator[tuple[str, Any]]:
    """Name and figure of each picture; those of labels only where there is a column of them."""
    import matplotlib as mpl

    # No window, whatever the machine.
    mpl.use("Agg")
    import matplotlib.pyplot as plt
    import scanpy as sc

    from .. import pl

    keys = Keys.of(key)
    if label is not None:
        yield "latent_grid", pl.latent_grid(adata, groupby=label, key=key, return_fig=True)
    yield "clusters", pl.latent_grid(adata, key=key, return_fig=True)
    pie = keys.cluster if label is None else label
    yield "neuron_graph", pl.neuron_graph(adata, pie=pie, key=key, return_fig=True)
    yield "history", pl.history(adata, key=key, return_fig=True)
    # Cells that light up no group are left grey.
    groups = [name for name in adata.obs[keys.cluster].cat.categories if name != UNASSIGNED]
    options: dict[str, dict[str, Any]] = {} if label is None else {"map": {"color": label}}
    if groups:
        options["map_clusters"] = {"color": keys.cluster, "groups": groups, "na_in_legend": False}
    for name, chosen in options.items():
        with mpl.rc_context({"figure.figsize": (4, 4)}):
            figure = sc.pl.embedding(adata, basis=keys.map, return_fig=True, **chosen)
            yield name, figure
            plt.close(figure)
