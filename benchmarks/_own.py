"""Our own maps, and the same network without what makes it a map: fitted anew whenever the package has changed."""

from __future__ import annotations

import inspect
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
from _measures import label_figures, order_figures, signed
from _result import Result, clock

import gsr_sc
from gsr_sc import metrics

if TYPE_CHECKING:
    from pathlib import Path

    from _kept import Kept
    from _sets import DataSet

# Linear units without penalty and start are the autoencoder as one would write it without this package. L1 and L2 have
# the strength that `smoothness="auto"` finds for them by the same rule as for us. Linear units have no sign of their own.
_LINEAR = {"init": "random", "activation": "linear"}
OWN: dict[str, dict[str, Any]] = {
    "gsr_sc": {},
    "plain autoencoder": {**_LINEAR, "smoothness": 0},
    "L1 penalty": {**_LINEAR, "penalty": "l1"},
    "L2 penalty": {**_LINEAR, "penalty": "l2"},
    # What it would be if counts were not read back from logarithms.
    "gsr_sc (logarithms)": {"transform": "combined"},
    # Whether the choice that is made from the data is as good as each made once for all.
    "gsr_sc (z-scores)": {"transform": "zscore"},
    "gsr_sc (Pearson residuals)": {"transform": "pearson"},
}
USUAL = [name for name in OWN if not name.startswith("gsr_sc (")]


def available(method: str) -> bool:
    """Whether this state of the package has the options of a method."""
    return set(OWN[method]) <= set(inspect.signature(gsr_sc.tl.fit).parameters)


class Own:
    """Fits and figures of one data set."""

    def __init__(self, data: DataSet, kept: Kept, folder: Path, n_jobs: int) -> None:
        self.data, self.kept, self.folder, self.n_jobs = data, kept, folder, n_jobs

    def fit(self, data: DataSet, how: str, method: str, seed: int, **extra: Any) -> tuple[Any, float]:
        """Fit, and return the annotated data and the seconds that it took."""
        adata, options = data.given(how)
        with clock() as spent:
            gsr_sc.tl.fit(adata, rng=seed, n_jobs=self.n_jobs, progress=False, **options, **OWN[method], **extra)
        return adata, spent.wall

    def labels(self, how: str, method: str, seed: int) -> dict[str, Any]:
        """Figures of a map at defaults."""

        def compute() -> dict[str, Any]:
            fitted, seconds = self.fit(self.data, how, method, seed)
            z = np.asarray(fitted.obsm["X_gsr"])
            np.savez_compressed(self._file(how, method, seed), z.astype(np.float16))
            linear = OWN[method].get("activation") == "linear"
            result = Result(spaces={"neurons": z}, indicators={"neurons": signed(z) if linear else z})
            figures = label_figures(result, self.data) | _quality(fitted, z) | {"s": seconds}
            return figures if linear else figures | self._clusters(fitted)

        return self.kept.get(compute, self.data.name, self.data.fingerprint, how, method, seed, self.n_jobs)

    def orders(self, how: str, seed: int) -> dict[str, Any]:
        """Figures of a map on the graph that the known order asks for; none if that graph is not there."""
        truth = self.data.truth
        assert truth is not None
        try:
            gsr_sc.graphs.resolve(truth.graph, n_neurons=None, n_obs=self.data.adata.n_obs)
        except ValueError as error:
            print(f"{self.data.name}: {error}", flush=True)
            return {}

        def one(data: DataSet) -> dict[str, Any]:
            fitted, seconds = self.fit(data, how, "gsr_sc", seed, graph=truth.graph)
            if truth.graph != "ring":
                # Peers are told where it begins, too.
                gsr_sc.tl.order(fitted, root=fitted.obs_names[data.first_cell()])
            branch = fitted.obs["gsr_branch"].to_numpy() if "gsr_branch" in fitted.obs else None
            return order_figures(fitted.obs["gsr_order"].to_numpy(dtype=float), branch, data) | {"s": seconds}

        def compute() -> dict[str, Any]:
            if truth.within is None:
                return one(self.data)
            found = {part.name: one(part) for part in self.data.parts()}
            rings = {f"ring {name}": figures["order"] for name, figures in found.items()}
            return rings | {"s": sum(figures["s"] for figures in found.values())}

        return self.kept.get(compute, self.data.name, self.data.fingerprint, how, truth.graph, seed, self.n_jobs)

    def agreement(self, how: str, seeds: int) -> dict[str, float]:
        """How alike the maps of different seeds are, mean over pairs."""

        def compute() -> dict[str, float]:
            maps = [self._activations(how, seed) for seed in range(seeds)]
            graph = gsr_sc.graphs.resolve("grid", n_neurons=maps[0].shape[1], n_obs=self.data.adata.n_obs)
            pairs = [metrics.seed_agreement(a, b, graph) for a, b in combinations(maps, 2)]
            neurons, coordinates = np.mean(pairs, axis=0).tolist()
            return {"seeds": neurons, "seeds (map)": coordinates}

        return self.kept.get(compute, self.data.name, self.data.fingerprint, how, "agreement", seeds, self.n_jobs)

    def _clusters(self, fitted: Any) -> dict[str, Any]:
        clusters = fitted.obs["gsr_cluster"].astype(str).to_numpy()
        figures = label_figures(Result(clusters=clusters), self.data)
        unassigned = clusters == "unassigned"
        return figures | {"k": len(set(clusters[~unassigned])), "unassigned": float(unassigned.mean())}

    def _activations(self, how: str, seed: int) -> np.ndarray:
        self.labels(how, "gsr_sc", seed)
        file = self._file(how, "gsr_sc", seed)
        # Figures may outlive the file that they were measured on.
        found = np.load(file)["arr_0"] if file.exists() else self.fit(self.data, how, "gsr_sc", seed)[0].obsm["X_gsr"]
        return np.asarray(found, dtype=np.float64)

    def _file(self, how: str, method: str, seed: int) -> Path:
        """Where one fit's activations are, of this state of the package, so that none is taken for another's."""
        return self.folder / f"{self.kept.state}-{self.data.name}-{how}-{method.replace(' ', '_')}-{seed}.npz"


def _quality(fitted: Any, z: np.ndarray) -> dict[str, float]:
    """What the fit says of itself."""
    stored = fitted.uns["gsr"]
    quality = stored["quality"]
    figures = {
        "Moran": metrics.moran_i(z, stored["graph"]["adjacency"]),
        "smoothness": float(stored["params"]["smoothness"]),
        "dead": float(quality["n_dead"]),
    }
    for short, key in (("EV", "explained_variance"), ("ED", "deviance_explained")):
        if key in quality:
            figures[short] = float(quality[key])
            figures[f"{short}/0"] = float(quality[key] / quality[f"{key}_unregularised"])
    return figures
