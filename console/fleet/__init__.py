"""Show the page Fleet: the nodes and services that deliver mail, whether they work, and what to do if they do not."""
