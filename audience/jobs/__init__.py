"""Background jobs: imports, upserts, deletions and exports, done page by page by whichever worker is free."""
