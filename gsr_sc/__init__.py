"""Maps of single cells whose neurons you can read.

An autoencoder whose latent neurons sit on a graph and are tied together by a graph-Laplacian penalty
(Graph Spectral Regularization, Tong et al., arXiv 1810.00424), for AnnData and scanpy.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import datasets, get, graphs, metrics, nn, pl, tl
    from .model import GSR

__version__ = "0.1.0"

__all__ = ["GSR", "datasets", "get", "graphs", "metrics", "nn", "pl", "tl"]


def __getattr__(name: str) -> Any:
    # Rooms are imported when first used, so that looking at a stored map never pays for torch.
    if name == "GSR":
        return import_module(".model", __name__).GSR
    if name in __all__:
        return import_module(f".{name}", __name__)
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
