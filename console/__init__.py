"""Provide the pages on which operators watch mail and stop it. They show what `monitoring` reads."""
