"""The cases, each a function `Setting -> Measured`; benchmarks/command.py lists them, benchmarks/targets.py says what
is to be reached."""
