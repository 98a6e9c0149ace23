"""What nobody could do faster on this machine, each a part of Sluice's way with all else taken away.

A module each, with `measure(folder, sink, messages) -> float`, per second, in a few seconds.
"""
