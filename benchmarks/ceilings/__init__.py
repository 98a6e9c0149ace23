"""Measure the ceilings: each does only one part of Sluice's work, so that nothing on this machine could be faster.

Each is a module with `measure(folder, sink, messages) -> float`, per second, which takes a few seconds.
"""
