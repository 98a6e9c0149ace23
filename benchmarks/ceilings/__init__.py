"""The ceilings: a part of Sluice's way each, with all else taken away, so that nobody could be faster on this machine.

A module each, with `measure(folder, sink, messages) -> float`, per second, in a few seconds.
"""
