"""Pinduoduo: its gateway, signature and errors, and what is reached through them."""
