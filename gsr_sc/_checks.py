"""What is asked of an argument, whatever it is for, and what is said when it is something else."""

from __future__ import annotations

from difflib import get_close_matches
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_MAX_LISTED = 30


def require_choice(option: str, value: object, allowed: Collection[object]) -> None:
    """Refuse an option that is none of those allowed.

    Raises
    ------
    ValueError
        Naming the option, what it is, and what it may be.
    """
    if value not in allowed:
        msg = f"`{option}` is {value!r}; it is one of {list(allowed)}."
        raise ValueError(msg)


def require_number(
    option: str,
    value: object,
    *,
    lowest: float | None = None,
    above: float | None = None,
    highest: float | None = None,
    below: float | None = None,
    whole: bool = False,
    also: str | None = None,
) -> None:
    """Refuse what is no finite number within bounds.

    Parameters
    ----------
    option
        Name of the option.
    value
        What was passed.
    lowest, above
        The least number allowed, or one that all those allowed exceed.
    highest, below
        The greatest number allowed, or one that all those allowed stay below.
    whole
        Whether it has to be a whole number.
    also
        What else may be passed, for the message.

    Raises
    ------
    ValueError
        Naming the option, what it is, and what it may be.
    """
    is_number = isinstance(value, Real) and not isinstance(value, bool) and (not whole or isinstance(value, Integral))
    number = float(value) if is_number else np.nan  # type: ignore[arg-type]
    fine = (
        np.isfinite(number)
        and (lowest is None or number >= lowest)
        and (above is None or number > above)
        and (highest is None or number <= highest)
        and (below is None or number < below)
    )
    if not fine:
        words = {"of at least": lowest, "above": above, "of at most": highest, "below": below}
        bounds = " and ".join(f"{word} {bound:g}" for word, bound in words.items() if bound is not None)
        msg = f"`{option}` is {value!r}; it is a {'whole ' if whole else ''}number {bounds}{f', or {also}' if also else ''}."
        raise ValueError(msg)


def require_key(option: str, key: object, existing: Iterable[object], place: str) -> None:
    """Refuse a name that is not in a part of an AnnData, such as `.obs`.

    Raises
    ------
    KeyError
        Naming the option, the name, the closest of what there is, and what there is.
    """
    names = list(existing)
    if key not in names:
        close = _close([str(key)], names)
        hint = f" Did you mean {', '.join(map(repr, close))}?" if close else ""
        msg = f"`{option}={key!r}` is not in {place}, which holds {_listed(names, close)}.{hint}"
        raise KeyError(msg)


def unknown(what: str, wrong: Iterable[object], available: Iterable[object]) -> str:
    """Message for unknown names: what is wrong, the closest of what exists, and what exists.

    Parameters
    ----------
    what
        What the names are, such as ``"`groupby`"``.
    wrong
        The names that were not found.
    available
        The names that exist.
    """
    missing = [str(name) for name in wrong]
    names = list(dict.fromkeys(str(name) for name in available))
    close = _close(missing, names)
    hint = f" Did you mean {', '.join(map(repr, close))}?" if close else ""
    return f"{what}: {', '.join(map(repr, missing))} not found.{hint} Available: {_listed(names, close)}."


def _close(missing: Iterable[str], names: Iterable[object]) -> list[str]:
    """Names like those that are missing, whatever their case."""
    folded: dict[str, str] = {}
    for name in map(str, names):
        folded.setdefault(name.casefold(), name)
    found = [match for name in missing for match in get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)]
    return list(dict.fromkeys(folded[match] for match in found))


def _listed(names: Iterable[object], close: list[str]) -> str:
    # Close matches first, so that they are seen in a long list.
    ordered = [*close, *(name for name in names if name not in close)]
    more = f" and {len(ordered) - _MAX_LISTED} more" if len(ordered) > _MAX_LISTED else ""
    return f"{ordered[:_MAX_LISTED]}{more}"
