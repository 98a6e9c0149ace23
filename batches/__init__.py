"""When and whether: batches, the parcels in them, the gate before them, and the receipts of what was stopped.

Nothing here knows what a message says. A parcel's way is told in `states.py`, the rules of the gate in `verdict.py`.
"""
