"""Measure the cases. Each is a function `Setting -> Measured`.

`benchmarks/options.py` lists them, `benchmarks/targets.py` has their targets.
"""
