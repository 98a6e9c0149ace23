"""Batches: the time and the permission to send. Here are batches, their parcels, the gate before them, and receipts.

Nothing here knows what a message says. A parcel's way is told in `states.py`, the rules of the gate in `verdict.py`.
"""
