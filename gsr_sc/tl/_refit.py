"""The same fit again, on the same cells or on some of them."""

from __future__ import annotations

import inspect
import logging
import warnings
from contextlib import contextmanager
from dataclasses import dataclass, replace
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from anndata import AnnData

from .._checks import require_key
from ..get._values import names_list
from ..graphs import LearnedGraph
from ..inputs import as_counts, examine, read_input
from ..model import GSR
from ..training import Progress, interrupts_raise

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ..slots import StoredMap

Resample = Literal["subsample", "bootstrap"]

# What these functions decide themselves, and a checkpoint, which is of one fit.
_OWN = ("rng", "random_state", "n_jobs", "checkpoint")
# Parameters that are stored under the name of the option, as used.
_SAME = (
    "layer",
    "use_rep",
    "likelihood",
    "batch_key",
    "labels_key",
    "unlabelled_category",
    "smoothness",
    "tolerance",
    "init",
    "activation",
    "filter_time",
    "hidden",
    "hidden_decoder",
    "penalty",
    "laplacian",
    "max_epochs",
)


def stored_options(stored: StoredMap) -> dict[str, Any]:
    """Options of :func:`gsr_sc.tl.fit` that make the stored map again, as they are after everything was settled.

    The graph, the genes and the smoothness are those that were used, whatever they were chosen by.

    Raises
    ------
    ValueError
        If genes that were used are no longer there, or the map has no parameters to be fitted again with.
    """
    params = {name: _plain(value) for name, value in stored.uns["params"].items()}
    if "transform" not in params or "max_epochs" not in params:
        msg = f".uns[{stored.keys.uns!r}]['params'] does not say how the map was fitted, so it cannot be fitted again."
        raise ValueError(msg)
    options = {name: params[name] for name in _SAME if name in params}
    options["transform"] = None if params["transform"] == "none" else params["transform"]
    if params.get("unlogged", "no") != "no" and options["transform"] == "combined":
        # By its name, it takes logarithms as they are.
        options["transform"] = "auto"
    options["graph"] = _learned(params) if "graph_kernel" in params else stored.graph
    if params.get("use_rep") in (None, "X"):
        used = np.isfinite(stored.programs).any(axis=1)
        if used.sum() != params["n_vars"]:
            msg = (
                f"The map was fitted on {params['n_vars']} variables, of which {int(used.sum())} are in this AnnData. "
                "Call this on the AnnData of the fit, or pass `mask_var=` to fit on other variables."
            )
            raise ValueError(msg)
        options["mask_var"] = used
    return options


def checked_options(
    overrides: dict[str, Any], *, refused: tuple[str, ...] = (), own: tuple[str, ...] = (), where: str
) -> dict[str, Any]:
    """Options as the caller passed them; raises where one is none of `tl.fit`, or not open to choice.

    Raises
    ------
    TypeError
        If an option is none of `tl.fit`, or not open to choice.
    """
    known = [name for name in inspect.signature(GSR).parameters if name not in (*_OWN, *refused)]
    for name in overrides:
        if name not in known:
            # Those of the function itself are at times misspelt as well, such as `graph` for `graphs`.
            meant = get_close_matches(name, [*known, *own], cutoff=0.7)
            hint = f" Did you mean {', '.join(map(repr, meant))}?" if meant else ""
            msg = f"`tl.{where}` takes no option {name!r}.{hint} Of the options of `tl.fit` it takes {known}."
            raise TypeError(msg)
    return overrides


def _learned(params: dict[str, Any]) -> LearnedGraph:
    # None is not stored; for the memory that means that nothing is forgotten, which is not the default.
    return LearnedGraph(
        n_neurons=params["n_neurons"],
        kernel=params["graph_kernel"],
        # Maps of before spell it the other way.
        n_neighbors=params.get("graph_n_neighbors", params.get("graph_n_neighbours")),
        warm_up=params.get("graph_warm_up"),
        refresh_every=params.get("graph_refresh_every", 1),
        memory=params.get("graph_memory"),
    )


def _plain(value: Any) -> Any:
    """What a file gives back, as Python's own types."""
    if isinstance(value, np.ndarray | np.generic):
        return value.tolist()
    return value


@dataclass(frozen=True)
class Refit:
    """The cells of an AnnData and how they are fitted: as light as it can be, so that rows can be taken from it.

    Attributes
    ----------
    data
        Only what the fit reads.
    options
        For :class:`gsr_sc.GSR`.
    n_jobs
        Number of threads.
    """

    data: AnnData
    options: dict[str, Any]
    n_jobs: int | None = None

    @classmethod
    def of(cls, adata: AnnData, options: dict[str, Any], *, n_jobs: int | None) -> Refit:
        """Check the options and take what they name.

        Raises
        ------
        ValueError, KeyError, TypeError
            If options or data are wrong.
        """
        GSR(**options, n_jobs=n_jobs)
        layer, use_rep = options.get("layer"), options.get("use_rep")
        found = read_input(adata, layer=layer, use_rep=use_rep, mask_var=options.get("mask_var"))
        named = []
        for option in ("batch_key", "labels_key"):
            for name in names_list(options.get(option)):
                require_key(option, name, adata.obs, ".obs")
                named.append(name)
        kept = {name: adata.obsm[name] for name in {use_rep, options.get("init")} - {None} if name in adata.obsm}
        options = {name: value for name, value in options.items() if name not in ("layer", "mask_var")}
        if found.is_representation:
            return cls(AnnData(obs=adata.obs[named], obsm=kept), options, n_jobs)
        mask = np.zeros(adata.n_vars, dtype=bool)
        mask[found.columns] = True
        matrix = adata.X if layer is None else adata.layers[layer]
        return cls(
            AnnData(matrix, obs=adata.obs[named], var=adata.var[[]], obsm=kept), {**options, "mask_var": mask}, n_jobs
        )

    @property
    def strata(self) -> NDArray[np.intp]:
        """Batch and label of each cell as one number, (n_obs,): none of them may vanish from a sample."""
        if self.data.obs.shape[1] == 0:
            return np.zeros(self.data.n_obs, dtype=np.intp)
        by = list(self.data.obs)
        return self.data.obs.groupby(by, observed=True, dropna=False, sort=True).ngroup().to_numpy().astype(np.intp)

    def take(self, rows: NDArray[np.intp]) -> Refit:
        """The same fit of some cells, each of them as often as it is named."""
        with warnings.catch_warnings():
            # Names of cells that were drawn twice.
            warnings.simplefilter("ignore", UserWarning)
            data = self.data[rows].copy()
            data.obs_names = [str(i) for i in range(len(rows))]
        return replace(self, data=data)

    def of_counts(self) -> Refit:
        """The same fit, with counts in memory in the place of logarithms that it would read them back from.

        Once values are moved from cell to cell, that can no longer be done.
        """
        found = read_input(self.data, use_rep=self.options.get("use_rep"))
        kind = {name: self.options.get(name, "auto") for name in ("transform", "likelihood")}
        read_back = as_counts(found, examine(found, report=False), **kind)
        if read_back.unlogged != "exactly":
            return self
        values = read_back.data.rows.take(slice(0, self.data.n_obs))
        data = AnnData(values, obs=self.data.obs, var=self.data.var, obsm=dict(self.data.obsm))
        return replace(self, data=data)

    def fit(self, seed: int, **changes: Any) -> GSR:
        """Fit once; what was said about the data when the map was made is not said again."""
        with warnings.catch_warnings(), _quiet(), interrupts_raise():
            warnings.simplefilter("ignore", UserWarning)
            model = GSR(**{**self.options, **changes}, rng=seed, n_jobs=self.n_jobs)
            return model.fit(self.data, progress=False)

    def place(self, model: GSR) -> NDArray[np.float32]:
        """Activations of all cells in a model that was fitted on some of them."""
        with warnings.catch_warnings(), _quiet():
            warnings.simplefilter("ignore", UserWarning)
            return model.transform(self.data)


def resampled(
    strata: NDArray[np.intp], rng: np.random.Generator, *, resample: Resample | None, share: float
) -> NDArray[np.intp]:
    """Sorted numbers of cells drawn from each stratum: a share of it without, or as many with replacement."""
    if resample is None:
        return np.arange(len(strata))
    drawn = []
    for stratum in np.unique(strata):
        members = np.flatnonzero(strata == stratum)
        if resample == "bootstrap":
            drawn.append(rng.choice(members, len(members)))
        else:
            drawn.append(rng.choice(members, int(np.ceil(share * len(members))), replace=False))
    return np.sort(np.concatenate(drawn))


class FitsBar(Progress):
    """One bar over several fits."""

    def __init__(self, n_fits: int, *, show: bool | None = None) -> None:
        super().__init__(show=show)
        self._bar.unit = "fit"
        self.expect(n_fits)

    def done(self, text: str) -> None:
        """Advance by one fit."""
        self._bar.set_postfix_str(text, refresh=False)
        self._bar.update()


@contextmanager
def _quiet() -> Iterator[None]:
    """No lines about each of many fits; warnings stay."""
    package = logging.getLogger("gsr_sc")
    before = package.level
    package.setLevel(logging.WARNING)
    try:
        yield
    finally:
        package.setLevel(before)
