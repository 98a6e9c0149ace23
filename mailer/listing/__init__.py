"""List messages by filters, the newest first, at a cost that does not grow with the tables.

`filters.py` defines the filters. `parcels.py` reads the parcels that could hold them by an index, and
`finding.py` finds the messages in these. A part of the list looks at a bounded number of parcels and messages, and
tells how far it looked.
"""
