"""Declare the fields of Easymail's calls that are accepted and have no effect on mail.

The module `api/without_effect.py` says how these declarations are used.
"""

from __future__ import annotations

from typing import Final

from api.without_effect import WithoutEffect

WITHOUT_EFFECT: Final = (
    WithoutEffect(("easymail_test_campaign",), ("language",), "A campaign has one language."),
    WithoutEffect(
        ("easymail_create_list", "easymail_change_list"),
        ("is_public",),
        "Recipients are shown no lists, public or not.",
        is_kept=True,
    ),
)
