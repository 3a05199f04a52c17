"""A model as a folder of safetensors weights and JSON: no pickle, readable without the data and without this package."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from safetensors.numpy import load_file, save

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

SCHEMA = 1
_ARRAYS = "arrays.safetensors"
_DESCRIPTION = "model.json"


def write_folder(
    path: str | os.PathLike[str], arrays: Mapping[str, NDArray[Any]], description: Mapping[str, Any], *, overwrite: bool
) -> None:
    """Write arrays and a description to a folder.

    Both files are written beside their place first, so that a save that is interrupted or fails leaves no half of one.

    Raises
    ------
    FileExistsError
        If a model is there already and `overwrite` is False, or the path is a file.
    OSError
        If nothing can be written there, or not all of it.
    """
    folder = Path(path)
    refuse_existing(folder, overwrite=overwrite)
    text = json.dumps({"format": "gsr_sc", "schema": SCHEMA, **description}, indent=1, allow_nan=True)
    contiguous = {name: np.ascontiguousarray(array) for name, array in arrays.items()}
    is_new = not folder.exists()
    folder.mkdir(parents=True, exist_ok=True)
    parts = {name: folder / f"{name}.part" for name in (_ARRAYS, _DESCRIPTION)}
    try:
        # Not `save_file`, whose files nobody else may read, whatever the user has set for new ones.
        parts[_ARRAYS].write_bytes(save(contiguous))
        parts[_DESCRIPTION].write_text(text, encoding="utf-8")
        for name, part in parts.items():
            part.replace(folder / name)
    finally:
        for part in parts.values():
            part.unlink(missing_ok=True)
        if is_new and not any(folder.iterdir()):
            folder.rmdir()


def require_folder(path: str | os.PathLike[str]) -> None:
    """Raise, before any work, if no model can be saved at a path in the end.

    Raises
    ------
    FileExistsError
        If the path is a file, or a model is there already.
    PermissionError
        If nothing can be written there.
    """
    folder = Path(path)
    refuse_existing(folder)
    # Folders above it are made, too.
    there = next(each for each in (folder, *folder.absolute().parents) if each.exists())
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        msg = f"No model can be saved in {str(folder)!r}: {str(there)!r} is no folder that can be written to. Choose another path."
        raise PermissionError(msg)


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
