"""Suppressions: addresses that get no more mail of an account, or none of a group.

Suppressions are kept in `groups.py` and `lists.py`, and looked at in `check.py` when a parcel has been claimed.
Recipients make them, on the page behind the link in their mail (`links.py`, `leaving.py`, `views.py`), or their
servers, by refusing them (`mailer/outcomes/classes.py`).
"""
