"""Small AnnData with a made-up map of known content, written by the package's own writer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import networkx as nx
import numpy as np
import pandas as pd
from anndata import AnnData
from scipy import sparse

import gsr_sc
from gsr_sc import graphs
from gsr_sc.slots._added import write_added, write_query
from gsr_sc.slots._keys import UNASSIGNED, Keys
from gsr_sc.slots._store import MapResults, write_results
from gsr_sc.slots._stored import StoredMap

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from gsr_sc.graphs import NeuronGraph

MapKind = Literal["grid", "torus", "ring", "line", "tree", "custom"]
KINDS: tuple[MapKind, ...] = ("grid", "torus", "ring", "line", "tree", "custom")


def make_graph(kind: MapKind) -> NeuronGraph:
    """One small graph of each kind."""
    builders = {
        "grid": lambda: graphs.grid(5, 6),
        "torus": lambda: graphs.torus(5, 6),
        "ring": lambda: graphs.ring(12),
        "line": lambda: graphs.line(10),
        "tree": lambda: graphs.from_networkx(nx.balanced_tree(2, 3)),
        "custom": lambda: graphs.from_networkx(nx.krackhardt_kite_graph()),
    }
    return builders[kind]()


def make_map(
    graph: MapKind | NeuronGraph = "grid",
    *,
    n_obs: int = 240,
    n_types: int = 4,
    n_dead: int = 2,
    key: str | None = None,
    signed: bool = False,
    seed: int = 0,
) -> AnnData:
    """Make cells of `n_types` types, each of which lights up the surroundings of one neuron.

    `.obs["cell_type"]` is an unordered categorical `type 0`, ...; type k lights up neuron `.uns["home"][k]` most.
    The first `n_types` genes are markers of the types. The last `n_dead` neurons are never active.
    """
    rng = np.random.default_rng(seed)
    if isinstance(graph, str):
        graph = make_graph(graph)
    alive = graph.n_neurons - n_dead
    home = np.linspace(0, alive - 1, n_types).round().astype(int)
    label = rng.integers(n_types, size=n_obs)
    label[:n_types] = np.arange(n_types)

    step = graphs._position.steps_between(graph)
    activations = np.exp(-0.5 * np.minimum(step[home[label]], 50.0) ** 2) * rng.uniform(0.7, 1.3, (n_obs, len(step)))
    activations[:, alive:] = 0
    activations /= activations.sum(axis=1, keepdims=True)
    if signed:
        activations[:, :alive] -= 0.1

    nearest = np.argmin(step[:, home], axis=1)
    group = np.array([str(k) for k in nearest])
    cluster = group[activations.argmax(axis=1)].astype(object)
    cluster[rng.random(n_obs) < 0.05] = UNASSIGNED
    names = sorted(set(group), key=int)

    expression = rng.poisson(0.3, (n_obs, n_types + 4)).astype(np.float32)
    expression[np.arange(n_obs), label] += 5
    adata = AnnData(
        sparse.csr_matrix(expression),
        obs=pd.DataFrame(
            {
                "cell_type": pd.Categorical([f"type {k}" for k in label], [f"type {k}" for k in range(n_types)]),
                "batch": pd.Categorical(rng.choice(["b2", "b1"], n_obs)),
                "treated": rng.random(n_obs) < 0.5,
                "score": label + rng.normal(0, 0.1, n_obs),
            },
            index=[f"cell{i}" for i in range(n_obs)],
        ),
        var=pd.DataFrame(index=[f"gene{j}" for j in range(n_types + 4)]),
    )
    adata.layers["doubled"] = adata.X * 2
    adata.uns["home"] = home
    programs = rng.normal(size=(adata.n_vars, graph.n_neurons)).astype(np.float32)
    programs[-1] = np.nan
    epoch = np.arange(1, 11)
    history: dict[str, NDArray[Any]] = {
        "epoch": epoch,
        "loss": 1 + 1 / epoch,
        "reconstruction": 0.9 + 1 / epoch,
        "penalty": 0.1 / epoch,
        "validation_loss": 1.2 + 0.01 * (epoch - 7.0) ** 2,
        "validation_explained_variance": 0.3 - 0.002 * (epoch - 7.0) ** 2,
        "smoothness": np.full(10, 0.03),
    }
    results = MapResults(
        graph=graph,
        group=group,
        activations=activations.astype(np.float32),
        map=graphs._position.barycentre(graph, activations).astype(np.float32),
        order=graphs._position.order(graph, activations),
        branch=None,
        neuron=activations.argmax(axis=1),
        cluster=cluster.astype(str),
        confidence=rng.uniform(0.5, 1, n_obs),
        indicators=np.column_stack([activations[:, group == name].sum(axis=1) for name in names]).astype(np.float32),
        programs=programs,
        params={"smoothness": 0.03, "graph": graph.kind},
        history=history,
        quality={"explained_variance": 0.25, "moran_i": 0.8, "n_dead": float(n_dead)},
        versions={"gsr_sc": "0"},
    )
    write_results(adata, results, Keys.of(key))
    return adata


def add_stability(adata: AnnData, *, n_fits: int = 4, key: str | None = None, seed: int = 0) -> None:
    """Add what `tl.stability` would, made up: later groups are less reproducible."""
    rng = np.random.default_rng(seed)
    stored = StoredMap(adata, key)
    neurons = np.clip(0.98 - 0.1 * stored.group.astype(int) + rng.normal(0, 0.01, len(stored.group)), 0, 1)
    names = stored.cluster.astype(str)
    cells = np.array([0.95 - 0.15 * int(name) if name != UNASSIGNED else 0.5 for name in names])
    between = np.clip(0.9 + 0.02 * rng.normal(size=(n_fits + 1, n_fits + 1)), 0, 1)
    between = (between + between.T) / 2
    np.fill_diagonal(between, 1)
    write_added(
        adata,
        stored.keys,
        uns={
            "stability": {
                "verdict": f"Stable: neurons .90, map .95 over {n_fits} refits; group 3 moves.",
                "mean_neurons": 0.9,
                "mean_map": 0.95,
                "neurons": neurons,
                "between_neurons": between,
                "between_maps": np.sqrt(between),
            }
        },
        obs={"reproducibility": np.clip(cells + rng.normal(0, 0.03, len(cells)), 0, 1)},
        obsm={"consensus": stored.map},
    )


def add_query(adata: AnnData, *, key: str | None = None, labels: bool = True) -> None:
    """Add what `tl.map_query` would, made up: type 0 is strange, and labels are the types."""
    rng = np.random.default_rng(0)
    strange = (adata.obs["cell_type"] == "type 0").to_numpy()
    told = {
        "label": adata.obs["cell_type"].array.copy(),
        "label_confidence": rng.uniform(0.3, 1, adata.n_obs),
        "colors": ["#0072b2", "#d55e00", "#009e73", "#cc79a7"],
    }
    write_query(
        adata,
        Keys.of(key),
        novelty=np.where(strange, rng.uniform(0.96, 1, adata.n_obs), rng.uniform(0, 1, adata.n_obs)),
        report={
            "n_variables": 1010,
            "n_matched": 1007,
            "n_extra": 12,
            "missing_share": 3 / 1010,
            "missing": np.array(["CD3E", "CD8A", "NKG7"], dtype=object),
            "matched_by": "var_names",
            "matched_to": "var_names",
            "n_novelty_reference": 50,
            "unseen_batches": np.array([], dtype=object),
        },
        **(told if labels else {}),
    )


def add_comparison(adata: AnnData, *, key: str | None = None) -> None:
    """Compare conditions `b` and `c` with `a`, of three samples each; nothing differs but by chance."""
    number = np.arange(adata.n_obs) % 9
    adata.obs["sample"] = pd.Categorical([f"s{k}" for k in number])
    adata.obs["condition"] = pd.Categorical(["abc"[k % 3] for k in number])
    gsr_sc.tl.compare(adata, groupby="condition", sample="sample", n_permutations=0, genes=True, min_cells=3, key=key)


def add_scan(adata: AnnData, *, key: str | None = None) -> None:
    """Add what `tl.scan` would, made up: rings explain most, smoothness costs, and on rings the most of it far more."""
    rows = [
        {
            "graph": graph,
            "n_neurons": size,
            "smoothness": smoothness,
            "explained_variance": most * (1 - 0.04 * smoothness ** (3 if graph == "ring" else 1)) + 0.0005 * size,
            "explained_variance_unregularised": most + 0.0005 * size,
            "order": 0.6,
            "torn": 0.03 if graph == "ring" else 0.08,
            "n_gaps": 0.0,
            "moran_i": 0.7
            + 0.2 * (min(4 * smoothness, 0.9 + 0.1 * smoothness) if graph == "ring" else smoothness)
            - 1 / size,
            "topographic_error": 0.3 - 0.1 * smoothness,
            "n_dead": 0.0,
            "seconds": 1.0,
        }
        for graph, most in (("line", 0.25), ("ring", 0.28), ("grid", 0.275))
        for size in (16, 36)
        for smoothness in (1.0, 0.25, 0.06)
    ]
    table = pd.DataFrame(rows, index=[str(number) for number in range(len(rows))])
    table.insert(3, "candidate", table["smoothness"] == 0.25)
    table.insert(3, "recommended", np.arange(len(rows)) == 7)
    write_added(
        adata, Keys.of(key), uns={"scan": {"table": table, "why": "Take a ring of 16 neurons.", "tolerance": 0.02}}
    )
