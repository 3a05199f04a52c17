"""AnnData warns of some ways of being written to; here they are meant."""

from __future__ import annotations

import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def modifying() -> Iterator[None]:
    """While an AnnData is written to: a view becomes a copy without a warning."""
    # Not above: what only asks for the names of slots, such as the help of the command line, needs no AnnData.
    from anndata import ImplicitModificationWarning

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ImplicitModificationWarning)
        yield
