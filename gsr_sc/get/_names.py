"""What to say when a name is not there."""

from __future__ import annotations

from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

_MAX_LISTED = 30


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
    folded: dict[str, str] = {}
    for name in names:
        folded.setdefault(name.casefold(), name)
    close: list[str] = []
    for name in missing:
        close += [folded[match] for match in get_close_matches(name.casefold(), folded, n=3, cutoff=0.6)]
    close = list(dict.fromkeys(close))
    hint = f" Did you mean {', '.join(map(repr, close))}?" if close else ""
    # Close matches first, so that they are seen in a long list.
    listed = [*close, *(name for name in names if name not in close)]
    more = f" and {len(listed) - _MAX_LISTED} more" if len(listed) > _MAX_LISTED else ""
    return f"{what}: {', '.join(map(repr, missing))} not found.{hint} Available: {listed[:_MAX_LISTED]}{more}."


def check_choice(name: str, value: object, allowed: tuple[object, ...]) -> None:
    """Refuse an option that is none of those allowed.

    Raises
    ------
    ValueError
        Naming the option, what it is, and what it may be.
    """
    if value not in allowed:
        msg = f"`{name}` is {value!r}; choose one of {list(allowed)}."
        raise ValueError(msg)
