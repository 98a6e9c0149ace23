"""The ceilings: a part of Sluice's way each, without the rest, so that nothing on this machine could be faster.

Each is a module with `measure(folder, sink, messages) -> float`, per second, which takes a few seconds.
"""
