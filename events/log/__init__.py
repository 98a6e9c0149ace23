"""Keep the log: all events of an account in one order, each at a place that never changes.

A transaction that writes events also writes a notice of them (`mailer/outcomes/writing.py`). `publishing.py` turns
notices into entries with ascending places, `reading.py` reads the events at these places, and `retention.py` deletes
old entries. Places become visible in their order, so a reader that has seen a place has seen all places below it.
"""
