"""Tenants, staff, roles, API keys, connections, tickets: the floor under the other domains."""
