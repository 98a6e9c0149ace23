"""Decide when mail may be sent: keep batches, their parcels, the gate in front of them, and receipts.

Nothing here knows the content of a message. `states.py` has the states of a parcel, `verdict.py` the rules of the gate.
"""
