"""What many cells have in common: a type of cells that the reference lacks, or that all of them differ from it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from sklearn.utils.extmath import randomized_svd

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from ._company import Company

# Directions that residuals of several cells may have in common.
_N_SHARED = 5
# A group with fewer cells on either side does not say how these differ, and fewer such groups not what is common to all.
_LEAST_CELLS, _LEAST_GROUPS = 3, 3
# Standard errors of a correlation that may be chance: there are many where variables are few.
_N_ERRORS, _PERFECT = 2, 1 - 1e-9
# A type that the reference lacks may lie in most groups, another batch lies in nearly all.
_QUANTILE = 0.25


class Together(NamedTuple):
    """What cells of a query have in common: directions of residuals, from :func:`shared_axes`, and the company they keep."""

    axes: NDArray[np.float32]
    company: Company


def shared_axes(residuals: NDArray[np.float32]) -> NDArray[np.float32]:
    """Directions in which cells leave most unexplained together, (n_found, n_axes).

    Noise goes in all directions, a type of cells that the reference lacks in few. Where held-out cells are among the rows, and
    are treated like all others, what cells show along these axes remains comparable between them and the others: whoever comes
    with it, one more cell of the reference looks as held-out ones do.
    """
    n_axes = min(_N_SHARED, *residuals.shape)
    return np.asarray(randomized_svd(residuals, n_axes, random_state=0)[2].T, dtype=np.float32)


def shift_agreement(
    residuals: NDArray[np.float32], groups: NDArray[Any], others: NDArray[np.float32], groups_of_others: NDArray[Any]
) -> float:
    """How far cells differ from others in one way whatever their group: least correlation of the shifts in two halves of both.

    Another batch or laboratory shifts all groups, a type of cells that the others lack those few that it comes to lie in: the
    shift is the median over groups. Where most cells are of that type some lie in every group, so that only those are to
    be asked that are neither strange alone nor among their own kind more than all are. Of few variables a correlation may be
    chance, so that what is returned is the lower end of what it may be. Zero where too few groups have cells on both sides.

    Parameters
    ----------
    residuals, others
        What is left unexplained of the cells and of others, (n, n_found) and (n_others, n_found).
    groups, groups_of_others
        Groups that they lie in, (n,) and (n_others,).
    """
    shifts = [
        _common_shift(residuals[half], groups[half], others[half], groups_of_others[half])
        for half in (slice(0, None, 2), slice(1, None, 2))
    ]
    if any(shift is None or shift.std() == 0 for shift in shifts):
        return 0.0
    agreement = np.corrcoef(shifts)[0, 1]  # type: ignore[arg-type]
    error = 1 / np.sqrt(max(residuals.shape[1] - 3, 1))
    return float(np.tanh(np.arctanh(min(agreement, _PERFECT)) - _N_ERRORS * error))


def common_excess(
    values: NDArray[np.float64], groups: NDArray[Any], others: NDArray[np.float64], groups_of_others: NDArray[Any]
) -> float:
    """How far values of cells are above those of others in nearly all groups, 0 or more.

    Cells of another batch are among their own kind wherever they are, if less so than cells of a type that is new.

    Parameters
    ----------
    values, others
        Of the cells and of others, (n,) and (n_others,).
    groups, groups_of_others
        Groups that they lie in, (n,) and (n_others,).
    """
    above = [
        float(np.median(mine) - np.median(theirs))
        for mine, theirs in _in_both(values, groups, others, groups_of_others)
    ]
    return max(float(np.quantile(above, _QUANTILE, method="lower")), 0.0) if above else 0.0


def _common_shift(
    residuals: NDArray[np.float32], groups: NDArray[Any], others: NDArray[np.float32], groups_of_others: NDArray[Any]
) -> NDArray[np.float64] | None:
    shifts = [
        mine.mean(axis=0, dtype=np.float64) - theirs.mean(axis=0, dtype=np.float64)
        for mine, theirs in _in_both(residuals, groups, others, groups_of_others)
    ]
    return np.median(shifts, axis=0) if len(shifts) >= _LEAST_GROUPS else None


def _in_both(
    values: NDArray[Any], groups: NDArray[Any], others: NDArray[Any], groups_of_others: NDArray[Any]
) -> Iterator[tuple[NDArray[Any], NDArray[Any]]]:
    """Values of cells and of others in each group that has enough of both."""
    for group in np.intersect1d(groups, groups_of_others):
        mine, theirs = values[groups == group], others[groups_of_others == group]
        if min(len(mine), len(theirs)) >= _LEAST_CELLS:
            yield mine, theirs
