"""Show the page Overview: what comes in the next days, and how mail was sent and received lately."""
