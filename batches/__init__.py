"""Batches: the time and the permission to send. Here are batches, their parcels, the gate before them, and receipts.

Nothing here knows the content of a message. `states.py` has the states of a parcel, `verdict.py` the rules of the gate.
"""
