"""The live relay: one incoming stream, the same bytes to every room. Not built yet."""
