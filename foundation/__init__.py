"""The parts that every app shares: the error base, the clock, the ids. Anything more belongs to an app."""
