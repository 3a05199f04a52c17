"""Slots of AnnData: what they are called, written and read; the only room that knows their layout."""

from __future__ import annotations

from ._added import write_added, write_levels, write_order, write_query
from ._keys import ADDED_UNS, STRANGE, UNASSIGNED, Keys
from ._store import MapResults, require_own, write_results
from ._stored import StoredMap, group_names, stored_scan

__all__ = [
    "ADDED_UNS",
    "STRANGE",
    "UNASSIGNED",
    "Keys",
    "MapResults",
    "StoredMap",
    "group_names",
    "require_own",
    "stored_scan",
    "write_added",
    "write_levels",
    "write_order",
    "write_query",
    "write_results",
]
