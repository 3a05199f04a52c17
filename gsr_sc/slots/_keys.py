"""Names of every slot that the package reads or writes, in one place."""

from __future__ import annotations

from dataclasses import dataclass

DEFAULT_KEY = "gsr"
UNASSIGNED = "unassigned"
# Novelty above which a cell is called strange: more of the reference are so in one case of twenty.
STRANGE = 0.95
UNASSIGNED_COLOR = "#8b8b90"

# What functions on a stored map add to it. A new map under the same key removes all of these: they speak of the old one.
ADDED_UNS = (
    "indicators",
    "rank_indicators",
    "order",
    "order_genes",
    "programs",
    "compare",
    "stability",
    "null",
    "nuisances",
    "query",
)
ADDED_OBS = ("order_confidence", "label", "label_confidence", "novelty", "reproducibility")
ADDED_OBSM = ("consensus",)
ADDED_VAR = ("programs_sd",)
ADDED_VARM = ("programs_cells", "programs_cells_groups")


@dataclass(frozen=True)
class Keys:
    """Where one fitted map lives inside an AnnData.

    `Keys.of(None)` gives the default names; `Keys.of("k")` replaces `X_gsr` by `k` and every other `gsr` by `k`.
    `"gsr"` itself means the default, so that no map of that name can hide the default one.
    """

    uns: str
    """`.uns`: parameters, graph, history, quality, versions."""
    latent: str
    """`.obsm`: activations (n_obs, n_neurons)."""
    map: str
    """`.obsm`: coordinates on the neuron layout (n_obs, 2)."""
    indicators: str
    """`.obsm`: activation of every indicator group (n_obs, n_groups)."""
    programs: str
    """`.varm`: signed effect of every neuron on every gene (n_vars, n_neurons)."""
    order: str
    """`.obs`: position along a line, ring or tree."""
    branch: str
    """`.obs`: branch of a graph that forks; ring, line or group of one that has several."""
    neuron: str
    """`.obs`: winning neuron."""
    cluster: str
    """`.obs`: cluster-indicator group."""
    confidence: str
    """`.obs`: share of the activation in that group."""
    prediction: str
    """`.obs`: most probable label, where the model was fitted with labels."""
    prediction_probability: str
    """`.obs`: probability of that label."""

    def cluster_level(self, level: int) -> str:
        """`.obs`: indicator group at one level of the hierarchy, 0 the coarsest."""
        return f"{self.cluster}_{level}"

    def confidence_level(self, level: int) -> str:
        """`.obs`: share of the neighbours that are in that group."""
        return f"{self.confidence}_{level}"

    def added(self, name: str) -> str:
        """`.uns`, `.obs`, `.var` or `.varm`: what a function on the stored map adds, by one of the names in this module."""
        return f"{self.uns}_{name}"

    def added_obsm(self, name: str) -> str:
        """`.obsm`: what a function on the stored map adds."""
        return f"X_{self.uns}_{name}"

    @classmethod
    def of(cls, key_added: str | None = None) -> Keys:
        """Return the names for one `key_added`.

        Raises
        ------
        ValueError
            If it is no name that a file can keep.
        """
        if key_added is not None and (not isinstance(key_added, str) or not key_added or "/" in key_added):
            msg = f"`key_added` is {key_added!r}; it is a name without '/', such as 'map2', or None."
            raise ValueError(msg)
        key = DEFAULT_KEY if key_added is None else key_added
        return cls(
            uns=key,
            latent=f"X_{key}" if key == DEFAULT_KEY else key,
            map=f"X_{key}_map",
            indicators=f"X_{key}_indicators",
            programs=f"{key}_programs",
            order=f"{key}_order",
            branch=f"{key}_branch",
            neuron=f"{key}_neuron",
            cluster=f"{key}_cluster",
            confidence=f"{key}_confidence",
            prediction=f"{key}_prediction",
            prediction_probability=f"{key}_prediction_probability",
        )
