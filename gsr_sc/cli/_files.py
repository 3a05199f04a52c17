"""Data sets as files, and what can be wrong with them."""

from __future__ import annotations

import os
import shutil
import warnings
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from anndata import AnnData

_SUFFIXES = (".h5ad", ".zarr")
# What tells a zarr folder, in either format, from one of the user's that must not be replaced.
_ZARR = ("zarr.json", ".zgroup")


def read(path: Path) -> AnnData:
    """Read an `.h5ad` file or a `.zarr` folder.

    Raises
    ------
    ValueError
        If there is none, or it cannot be read.
    """
    if path.suffix not in _SUFFIXES or not path.exists():
        msg = f"there is no data set {str(path)!r}; give the path of an .h5ad file or a .zarr folder"
        raise ValueError(msg)
    import anndata as ad

    try:
        return ad.read_h5ad(path) if path.suffix == ".h5ad" else ad.read_zarr(path)
    except (OSError, KeyError, ValueError, TypeError, AttributeError) as error:
        msg = (
            f"{str(path)!r} cannot be read as an AnnData; write it anew with `adata.write_{path.suffix[1:]}` ({error})"
        )
        raise ValueError(msg) from error


def check_target(path: Path) -> None:
    """Say before the work, not after it, that its result cannot be written.

    Raises
    ------
    ValueError
        If the format is unknown, the folder does not exist, or something else would be replaced.
    """
    if path.suffix not in _SUFFIXES:
        msg = f"the format of {str(path)!r} is unknown; end it in .h5ad or .zarr"
    elif not path.parent.is_dir() or not os.access(path.parent, os.W_OK):
        msg = f"cannot write to the folder {str(path.parent)!r}; make it first, or choose another"
    elif path.exists() and not _is_data_set(path):
        msg = f"{str(path)!r} exists and is no data set of that format; choose another output"
    else:
        return
    raise ValueError(msg)


def _is_data_set(path: Path) -> bool:
    return path.is_file() if path.suffix == ".h5ad" else any((path / name).is_file() for name in _ZARR)


def write(adata: AnnData, path: Path) -> None:
    """Write a data set in the format of its suffix."""
    with warnings.catch_warnings():
        # What anndata and zarr announce of their next versions is no news of this data set.
        warnings.simplefilter("ignore")
        # Beside its place first: an interrupted command leaves what was there, which may be its own input.
        part = path.with_name(f".{path.name}.part")
        try:
            if path.suffix == ".h5ad":
                adata.write_h5ad(part)
            else:
                adata.write_zarr(part)
                # A folder with something in it cannot be written over.
                shutil.rmtree(path, ignore_errors=True)
            part.replace(path)
        finally:
            shutil.rmtree(part, ignore_errors=True)
            part.unlink(missing_ok=True)
