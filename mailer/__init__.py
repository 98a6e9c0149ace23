"""Mail, messages, their events, and the pipeline that takes them from a caller to a peer."""
