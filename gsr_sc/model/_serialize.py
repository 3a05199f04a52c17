"""A model as a folder of safetensors weights and JSON: no pickle, readable without the data and without this package."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load_file, save_file

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping

    from numpy.typing import NDArray

SCHEMA = 1
_ARRAYS = "arrays.safetensors"
_DESCRIPTION = "model.json"


def write_folder(
    path: str | os.PathLike[str], arrays: Mapping[str, NDArray[Any]], description: Mapping[str, Any], *, overwrite: bool
) -> None:
    """Write arrays and a description to a folder.

    Both files are written beside their place first, so that an interrupted save leaves no half of one.

    Raises
    ------
    FileExistsError
        If a model is there already and `overwrite` is False, or the path is a file.
    """
    folder = Path(path)
    refuse_existing(folder, overwrite=overwrite)
    text = json.dumps({"format": "gsr_sc", "schema": SCHEMA, **description}, indent=1, allow_nan=True)
    folder.mkdir(parents=True, exist_ok=True)
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    save_file(contiguous, folder / f"{_ARRAYS}.part")
    (folder / f"{_DESCRIPTION}.part").write_text(text, encoding="utf-8")
    for name in (_ARRAYS, _DESCRIPTION):
        (folder / f"{name}.part").replace(folder / name)


def refuse_existing(path: str | os.PathLike[str], *, overwrite: bool = False) -> None:
    """Raise if a model cannot be written to a folder without `overwrite`.

    Raises
    ------
    FileExistsError
        If the path is a file, or a model is there already and `overwrite` is False.
    """
    folder = Path(path)
    if folder.is_file():
        msg = f"{str(folder)!r} is a file; a model is saved as a folder."
        raise FileExistsError(msg)
    if (folder / _DESCRIPTION).exists() and not overwrite:
        msg = f"A model is saved in {str(folder)!r} already; delete it, choose another path, or use `GSR.save(path, overwrite=True)`."
        raise FileExistsError(msg)


def read_folder(path: str | os.PathLike[str]) -> tuple[dict[str, NDArray[np.generic]], dict[str, Any]]:
    """Read what :func:`write_folder` wrote.

    Raises
    ------
    FileNotFoundError
        If there is no model in the folder.
    ValueError
        If the folder was written in a newer format.
    """
    folder = Path(path)
    if not (folder / _DESCRIPTION).exists() or not (folder / _ARRAYS).exists():
        msg = f"No model is saved in {str(folder)!r}: {_DESCRIPTION} and {_ARRAYS} are expected there."
        raise FileNotFoundError(msg)
    description = json.loads((folder / _DESCRIPTION).read_text(encoding="utf-8"))
    if description.get("format") != "gsr_sc" or description.get("schema", 0) > SCHEMA:
        msg = (
            f"{str(folder)!r} holds format {description.get('format')!r}, schema {description.get('schema')!r}; "
            f"this version reads format 'gsr_sc' up to schema {SCHEMA}. Update gsr_sc."
        )
        raise ValueError(msg)
    return load_file(folder / _ARRAYS), description
