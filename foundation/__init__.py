"""Share the error base, the clock, ids and the like with every app. Anything larger belongs to an app."""
