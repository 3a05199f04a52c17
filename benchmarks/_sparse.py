"""Whether sparse products would be faster, in the first layer and in the read-out: a step as it is and as it could be."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from scipy import sparse

from gsr_sc import graphs
from gsr_sc.matrices import MatrixSource, fit_transform, open_rows
from gsr_sc.matrices._transform import log_normalise
from gsr_sc.training import Design, TrainingPlan, limited_threads
from gsr_sc.training._loop import Loop

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

WIDTH, STEPS = 128, 4
SETTINGS = [
    (n_vars, density, batch_size)
    for n_vars in (2000, 10_000, 20_000)
    for density in (0.26, 0.10, 0.05, 0.02)
    for batch_size in (128, 256)
]


class Setting:
    """Counts of so many genes and so dense, a training on them, and the products of one batch in either way.

    Z-scores of counts are sparse but for one value per gene, which is a vector after any product; nothing is hidden from the
    encoder. Pearson residuals, their mean with z-scores, and inputs of which a share is hidden are not sparse in any such sense.
    """

    def __init__(self, n_vars: int, density: float, batch_size: int) -> None:
        rng = np.random.default_rng(0)
        n_obs = STEPS * batch_size
        counts = sparse.random_array((n_obs, n_vars), density=density, format="csr", dtype=np.float32, rng=rng)
        counts.data[:] = 1 + rng.poisson(1.0, counts.nnz)
        self.rows, self.totals = np.arange(n_obs), np.maximum(counts.sum(axis=1), 1.0)
        known = open_rows(counts)
        self.transform = fit_transform(
            known,
            kind="zscore",
            counts=True,
            columns=np.arange(n_vars),
            training=self.rows,
            totals=self.totals,
        )
        self.batch, self.raw = slice(0, batch_size), known
        self.source = MatrixSource(known, self.transform, self.totals)
        graph, design = graphs.grid(8), Design()
        network = design.network(self.source.n_inputs, graph, torch.Generator().manual_seed(0))
        plan = TrainingPlan(warm_up_epochs=1, max_epochs=1, batch_size=batch_size)
        self.loop = Loop(
            network,
            design.penalty_on(graph, n_training=n_obs),
            self.source,
            targets=None,
            plan=plan,
            seed=0,
            device=torch.device("cpu"),
        )
        self.inputs = torch.from_numpy(self.source.batch(self.batch))
        self.values = self.read_sparse()
        # Of inputs without counts: what is taken off the values to make them sparse.
        self.empty = torch.from_numpy(-self.transform.mean / self.transform.scale)
        draw, width = torch.Generator().manual_seed(0), self.source.n_inputs
        self.into, self.out = (0.01 * torch.randn(shape, generator=draw) for shape in ((WIDTH, width), (width, WIDTH)))
        # Kept as the sparse product reads it: nothing else would mind.
        self.into_t = self.into.t().contiguous()
        self.bias = 0.1 * torch.randn(width, generator=draw)
        self.hidden = torch.randn(batch_size, WIDTH, generator=draw).relu_()
        self.by_into, self.by_out = torch.empty_like(self.into), torch.empty_like(self.out)
        self.residual = torch.empty_like(self.inputs)

    def step(self) -> None:
        """The training as it is; so many steps."""
        self.loop.train_epoch(self.rows, weight=0.1, pull=0.0, rate=lambda _: 1e-3, on_step=lambda _: None)

    def read(self) -> None:
        """A batch as the network reads it now."""
        self.source.batch(self.batch)

    def read_sparse(self) -> Any:
        """What of it is not the value of a gene without counts."""
        values = self.raw.take(self.batch)
        log_normalise(values, self.totals[self.batch], self.transform.target)
        known = self.transform
        values.data /= known.scale[values.indices]
        np.minimum(values.data, (known.clip + known.mean / known.scale)[values.indices], out=values.data)
        return values

    def first(self) -> Sequence[torch.Tensor]:
        """The first layer, and the gradient of its weights."""
        return self.inputs @ self.into.t(), self.by_into.addmm_(self.hidden.t(), self.inputs, beta=0)

    def first_scipy(self) -> Sequence[torch.Tensor]:
        """The same of sparse rows; what they lack is a vector after the product."""
        return self._first(
            torch.from_numpy(self.values @ self.into_t.numpy()), torch.from_numpy(self.values.T @ self.hidden.numpy())
        )

    def first_torch(self) -> Sequence[torch.Tensor]:
        """The same by torch."""
        return self._first(as_torch(self.values) @ self.into_t, as_torch(self.values.T.tocsr()) @ self.hidden)

    def _first(self, given: torch.Tensor, gradient: torch.Tensor) -> Sequence[torch.Tensor]:
        return given.add_(self.empty @ self.into_t), gradient.addr_(self.empty, self.hidden.sum(dim=0)).t()

    def read_out(self) -> Sequence[torch.Tensor]:
        """Squared error of a linear read-out, and half its gradients: of the weights and of what is read."""
        residual = torch.sub(self.bias, self.inputs, out=self.residual).addmm_(self.hidden, self.out.t())
        error = torch.dot(residual.view(-1), residual.view(-1))
        return error, self.by_out.addmm_(residual.t(), self.hidden, beta=0), residual @ self.out

    def gram_scipy(self) -> Sequence[torch.Tensor]:
        """The same from the products of the weights with themselves, and sparse ones for what they share with the rows."""
        return self._gram(
            torch.from_numpy(self.values @ self.out.numpy()), torch.from_numpy(self.values.T @ self.hidden.numpy())
        )

    def gram_torch(self) -> Sequence[torch.Tensor]:
        """The same by torch."""
        return self._gram(as_torch(self.values) @ self.out, as_torch(self.values.T.tocsr()) @ self.hidden)

    def _gram(self, crossed: torch.Tensor, by_out: torch.Tensor) -> Sequence[torch.Tensor]:
        hidden, out, values = self.hidden, self.out, torch.from_numpy(self.values.data)
        shift, n_rows = self.bias - self.empty, len(self.hidden)
        across, shifted, total = hidden @ (out.t() @ out), shift @ out, hidden.sum(dim=0)
        inner = torch.dot((across - 2 * crossed).view(-1), hidden.view(-1)) + 2 * torch.dot(shifted, total)
        alone = torch.dot(values, values) + n_rows * torch.dot(shift, shift)
        error = inner + alone - 2 * torch.dot(values, shift[torch.from_numpy(self.values.indices).long()])
        by_out.neg_().addmm_(out, hidden.t() @ hidden).addr_(shift, total)
        return error, by_out, across.sub_(crossed).add_(shifted)


def as_torch(values: Any) -> torch.Tensor:
    """A CSR matrix of torch with the same memory."""
    parts = (torch.from_numpy(part) for part in (values.indptr, values.indices, values.data))
    return torch.sparse_csr_tensor(*parts, size=values.shape)


def sparse_steps(data: str, n_jobs: int, times: int) -> dict[str, Any]:
    """Milliseconds of the processor, as all is done by one thread: of a step and its parts, in turns, at each setting."""
    del data, n_jobs
    found = []
    for n_vars, density, batch_size in SETTINGS:
        with limited_threads(1):
            setting = Setting(n_vars, density, batch_size)
            parts: dict[str, Callable[[], object]] = {
                name: getattr(setting, name)
                for name in ("step", "read", "read_sparse", "first", "first_scipy", "first_torch", "read_out")
            } | {"gram_scipy": setting.gram_scipy, "gram_torch": setting.gram_torch}
            taken: dict[str, list[float]] = {name: [] for name in parts}
            for turn in range(times + 1):
                for name, work in parts.items():
                    began = time.process_time()
                    work()
                    if turn:
                        taken[name].append(1e3 * (time.process_time() - began) / (STEPS if name == "step" else 1))
        found.append(
            {
                "n_vars": n_vars,
                "density": density,
                "batch": batch_size,
                "step": taken["step"],
                "read": taken["read"],
                "read, sparse": taken["read_sparse"],
                "first layer": taken["first"],
                "first layer, sparse": _faster(taken["first_scipy"], taken["first_torch"]),
                "read-out": taken["read_out"],
                "read-out, sparse": _faster(taken["gram_scipy"], taken["gram_torch"]),
            }
        )
    return {"found": found}


def _faster(one: Sequence[float], other: Sequence[float]) -> Sequence[float]:
    return min(one, other, key=np.median)
