"""What is sent and how: mail, messages, their events, and the pipeline that takes them from a caller to a peer."""
