"""What is timed: each in a process of its own, that says on its last line what it took. `speed.py` calls this file."""

from __future__ import annotations

import json
import resource
import sys
import time
import warnings
from functools import partial
from pathlib import Path
from typing import Any

import _checkout  # noqa: F401
import numpy as np

MB = 1e6


def counts(data: str, n_obs: int = 8600) -> Any:
    """AnnData with counts in X: of a file, or simulated cells x 2000 genes of which a quarter are not zero."""
    import anndata
    from scipy import sparse

    if data != "simulated":
        adata = anndata.read_h5ad(data)
        if "counts" in adata.layers:
            adata.X = adata.layers["counts"]
        return anndata.AnnData(sparse.csr_matrix(adata.X))
    rng = np.random.default_rng(0)
    profiles = rng.gamma(0.3, 1.0, (15, 2000)) * rng.gamma(0.5, 1.0, 2000)
    depth = rng.lognormal(0.0, 0.3, n_obs)[:, None]
    kind = rng.integers(0, 15, n_obs)
    parts = [
        sparse.csr_matrix(rng.poisson(6 * depth[rows] * profiles[kind[rows]]).astype(np.float32))
        for rows in np.array_split(np.arange(n_obs), 10)
    ]
    return anndata.AnnData(sparse.vstack(parts, format="csr"))


def scanpy_chain(data: str, n_jobs: int, times: int) -> dict[str, Any]:
    """Seconds of normalisation, components, neighbours, layout and clusters, the first time and again."""
    began = time.perf_counter()
    import scanpy as sc

    imported, adata = time.perf_counter() - began, counts(data)
    sc.settings.n_jobs = n_jobs

    def run() -> None:
        work = adata.copy()
        sc.pp.normalize_total(work)
        sc.pp.log1p(work)
        sc.pp.pca(work)
        sc.pp.neighbors(work)
        sc.tl.umap(work)
        sc.tl.leiden(work, flavor="igraph", n_iterations=2)

    return _timed(run, imported, times)


def our_fit(data: str, n_jobs: int, times: int) -> dict[str, Any]:
    """Seconds of `tl.fit` at its defaults, the first time and again."""
    began = time.perf_counter()
    import gsr_sc

    gsr_sc.tl, gsr_sc.GSR  # noqa: B018 (rooms are imported when asked for)
    imported, adata = time.perf_counter() - began, counts(data)
    return _timed(lambda: gsr_sc.tl.fit(adata.copy(), n_jobs=n_jobs, progress=False), imported, times)


def memory(data: str, n_jobs: int, times: int) -> dict[str, Any]:
    """Peak of resident memory during a fit above that with the data loaded and everything imported, in MB."""
    del times
    import psutil

    import gsr_sc

    adata = counts(data, 20_000)
    gsr_sc.tl, gsr_sc.GSR  # noqa: B018
    loaded = psutil.Process().memory_info().rss
    gsr_sc.tl.fit(adata, n_jobs=n_jobs, progress=False, max_epochs=2)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    matrix = adata.X.data.nbytes + adata.X.indices.nbytes + adata.X.indptr.nbytes
    return {"above": (peak - loaded) / MB, "matrix": matrix / MB, "allowed": 0.25 * matrix / MB + 300}


def loop(data: str, n_jobs: int, times: int) -> dict[str, Any]:
    """Cells a second of the training loop, and of the matrix products in it alone, as torch's layers do them and as ours do."""
    del data
    import torch

    from gsr_sc import graphs
    from gsr_sc.training import Design, TrainingPlan, limited_threads
    from gsr_sc.training._loop import Loop

    n_obs, graph, design = 4096, graphs.grid(8), Design()
    plan = TrainingPlan.for_data(n_obs, noise=0.8)
    rng = np.random.default_rng(0)
    source = _Table(rng.normal(size=(n_obs, 2000)).astype(np.float32))
    targets = rng.dirichlet(np.ones(64), n_obs).astype(np.float32)
    network = design.network(2000, graph, torch.Generator().manual_seed(0))
    network.dropout = plan.hidden_dropout
    ours = Loop(
        network,
        design.penalty_on(graph, n_training=n_obs),
        source,
        targets=lambda index, _: targets[index],
        plan=plan,
        seed=0,
        device=torch.device("cpu"),
        n_threads=n_jobs,
    )
    layers = [module for module in network.modules() if isinstance(module, torch.nn.Linear)]
    weights = [value for layer in layers for value in layer.parameters()]
    x = torch.from_numpy(source.x[: plan.batch_size])

    def bare() -> None:
        for _ in range(n_obs // plan.batch_size):
            values = x
            for layer in layers:
                values = layer(values)
            torch.autograd.grad(values, weights, x)

    def fastest() -> None:
        for _ in range(n_obs // plan.batch_size):
            _products(layers, x)

    def trained() -> None:
        ours.train_epoch(np.arange(n_obs), weight=0.1, pull=0.1, rate=lambda _: 1e-3, on_step=lambda _: None)

    rates: dict[str, list[float]] = {"bare": [], "fastest": [], "loop": []}
    before = torch.get_num_threads()
    for turn in range(times + 1):
        torch.set_num_threads(n_jobs)
        bare_seconds, fastest_seconds = _seconds(bare), _seconds(fastest)
        torch.set_num_threads(before)
        with limited_threads(n_jobs):
            loop_seconds = _seconds(trained)
        if turn > 0:
            rates["bare"].append(n_obs / bare_seconds)
            rates["fastest"].append(n_obs / fastest_seconds)
            rates["loop"].append(n_obs / loop_seconds)
    return rates | {"batch size": plan.batch_size}


def sparse_products(data: str, n_jobs: int, times: int) -> dict[str, Any]:
    """Milliseconds of a step and of its products, dense and sparse."""
    import _sparse

    return _sparse.sparse_steps(data, n_jobs, times)


def epochs(data: str, n_jobs: int, times: int) -> dict[str, Any]:
    """Cells a second in the epochs of a fit, the median: of batches as they are read from counts in memory."""
    import gsr_sc
    from gsr_sc.training._loop import Loop

    rates: list[float] = []
    train_epoch = Loop.train_epoch

    def timed(self: Loop, rows: Any, **how: Any) -> Any:
        began = time.perf_counter()
        losses = train_epoch(self, rows, **how)
        rates.append(len(rows) / (time.perf_counter() - began))
        return losses

    Loop.train_epoch = timed  # type: ignore[method-assign]
    gsr_sc.tl.fit(counts(data, 20_000), n_jobs=n_jobs, progress=False, max_epochs=1 + times)
    return {"rate": float(np.median(rates))}


def peer_epochs(name: str, data: str, n_jobs: int, times: int) -> dict[str, Any]:
    """Cells a second in the epochs of a peer but the first, the median. Runs in the environment of the peers."""
    import _latents
    import torch
    from lightning.pytorch.callbacks import Callback

    torch.set_num_threads(n_jobs)
    model, at = _latents.untrained(name, counts(data, 20_000)), []

    class Clock(Callback):
        def on_train_epoch_end(self, *_: Any) -> None:
            at.append(time.perf_counter())

    _latents.train(model, max_epochs=1 + times, callback=Clock())
    return {"rate": len(model.train_indices) / float(np.median(np.diff(at)))}


def _products(layers: Any, x: Any) -> None:
    """Products of linear layers, forward and back, as the training loop does them."""
    from gsr_sc.nn._products import affine

    read = [x]
    for layer in layers:
        read.append(affine(read[-1], layer.weight.detach(), layer.bias.detach()))
    slope = x
    for at in range(len(layers) - 1, -1, -1):
        affine(slope.t(), read[at].t())
        if at:
            slope = affine(slope, layers[at].weight.detach().t())


class _Table:
    def __init__(self, x: np.ndarray) -> None:
        self.x, self.baseline = x, x.mean(axis=0)

    def batch(self, index: np.ndarray) -> np.ndarray:
        return np.take(self.x, index, axis=0)

    def sample(self, rows: np.ndarray, most: int) -> np.ndarray:
        return rows[:most]

    def shuffled(self, rows: np.ndarray, rng: np.random.Generator, most: int, **_alone: int) -> list[np.ndarray]:
        return [rng.permutation(rows)[:most]]


def _timed(run: Any, imported: float, times: int) -> dict[str, Any]:
    first = _seconds(run)
    return {"import": imported, "first": first, "again": [_seconds(run) for _ in range(times)]}


def _seconds(run: Any) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


RUNS = {
    "scanpy": scanpy_chain,
    "fit": our_fit,
    "memory": memory,
    "loop": loop,
    "sparse": sparse_products,
    "epochs": epochs,
    **{name: partial(peer_epochs, name) for name in ("scVI", "LinearSCVI", "DRVI")},
}

if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.path.insert(0, str(Path(__file__).parent))
    name, data, n_jobs, times = sys.argv[1:]
    print(json.dumps(RUNS[name](data, int(n_jobs), int(times))))
