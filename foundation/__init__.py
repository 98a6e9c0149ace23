"""Share the error base, the clock, ids and other small parts with every app. Anything larger belongs to an app."""
