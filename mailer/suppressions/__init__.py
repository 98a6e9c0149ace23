"""Keep suppressions: addresses that get no more mail of an account, or no more mail of a group.

Suppressions are kept in `groups.py` and `lists.py`, and looked at in `check.py` when a parcel has been claimed.
They are made by recipients, on the page behind the link in their mail (`links.py`, `leaving.py`, `views.py`), and by
refusals of the recipients' servers (`mailer/outcomes/classes.py`).
"""
