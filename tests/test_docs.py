"""Texts that docstrings share."""

from __future__ import annotations

import inspect

import pytest

import gsr_sc
from gsr_sc._docs import SHARED, doc_params


def test_a_shared_text_stands_where_its_name_did() -> None:
    @doc_params(own="own\n    Only here.")
    def function(key: str, own: int) -> None:
        """Do something.

        Parameters
        ----------
        {key}
        {own}
            Not `{key}` within a line.
        """

    assert inspect.getdoc(function) == (
        f"Do something.\n\nParameters\n----------\n{SHARED['key']}\nown\n    Only here.\n    Not `{{key}}` within a line."
    )


def test_a_text_that_there_is_not_is_missed_at_once() -> None:
    def function() -> None:
        """{colour}"""

    with pytest.raises(KeyError, match="colour"):
        doc_params()(function)


@pytest.mark.parametrize("room", ["tl", "pl", "get"])
def test_help_shows_texts_and_no_names_of_texts(room: str) -> None:
    module = getattr(gsr_sc, room)
    docs = [inspect.getdoc(getattr(module, name)) or "" for name in module.__all__]
    assert not [line for doc in docs for line in doc.splitlines() if line.strip() in {f"{{{name}}}" for name in SHARED}]
    assert any(SHARED["key"] in doc for doc in docs)
