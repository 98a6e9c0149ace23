"""Keep mail, messages and their events, and take messages through the pipeline from a caller to a peer."""
