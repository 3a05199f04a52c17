"""What is looked at on a map: its neurons, its groups, or the groups of one level of the hierarchy."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np

from ..slots import group_names

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from ..slots import StoredMap

Level = Literal["neurons", "groups"] | int


class Units(NamedTuple):
    """Neurons, or groups of them.

    Attributes
    ----------
    kind
        `"neuron"` or `"group"`.
    names
        Their names.
    number
        Number of the one that each neuron belongs to, (n_neurons,).
    """

    kind: str
    names: list[str]
    number: NDArray[np.intp]

    def activations(self, stored: StoredMap) -> NDArray[np.floating]:
        """Activation of each, summed over its neurons, (n_obs, n_units)."""
        values = stored.activations
        return values if self.kind == "neuron" else values @ np.eye(len(self.names), dtype=values.dtype)[self.number]


def read_units(stored: StoredMap, level: Level) -> Units:
    """Neurons or groups of a level.

    Raises
    ------
    KeyError
        If a level of `tl.indicators` is asked for, and it has not been run.
    ValueError
        If there is no such level.
    """
    if level == "neurons":
        names = list(stored.graph.names)
        return Units("neuron", names, np.arange(len(names)))
    if level == "groups":
        return _grouped(stored.group)
    groups = np.asarray(stored.added("indicators", by="indicators")["group"])
    if level not in range(groups.shape[1]):
        msg = f"`level` is {level!r}; choose 'neurons', 'groups', or a level of `tl.indicators`, 0 to {groups.shape[1] - 1}."
        raise ValueError(msg)
    return _grouped(groups[:, level].astype(str))


def _grouped(group: NDArray[np.str_]) -> Units:
    names = group_names(group)
    return Units("group", names, np.array([names.index(str(name)) for name in group]))
