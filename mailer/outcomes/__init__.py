"""Record and read outcomes: what happened to messages, why, and how often.

`writing.py` is the only writer of events and counters, `reading.py` the only reader of events. A sent message costs a
few bytes, since a parcel's are packed into one row (`packing.py`). `classes.py` tells why a peer refused or deferred,
`counters.py` counts by time.
"""
