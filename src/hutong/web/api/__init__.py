"""The open API, /api/v1: one call, one service or command."""
