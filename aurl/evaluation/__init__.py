"""Features, the protocol (splits and clips) and metrics."""
