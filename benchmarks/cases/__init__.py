"""The cases, each a function `Setting -> Measured`.

`benchmarks/command.py` lists them, `benchmarks/targets.py` has their targets.
"""
