"""`python -m gsr_sc.datasets FOLDER` writes the data sets of the repository's `data/` folder anew."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ._bundled import bundled

if TYPE_CHECKING:
    from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Write every set of :func:`~gsr_sc.datasets.bundled` to `FOLDER/simulated_<name>.h5ad`."""
    parser = argparse.ArgumentParser(prog="python -m gsr_sc.datasets", description=__doc__)
    parser.add_argument("folder", type=Path, help="where to write; made if it does not exist")
    folder: Path = parser.parse_args(arguments).folder
    folder.mkdir(parents=True, exist_ok=True)
    for name, adata in bundled().items():
        adata.write_h5ad(folder / f"simulated_{name}.h5ad", compression="gzip")


if __name__ == "__main__":
    main()
