"""Addresses of alliances: which of a link's pages have one, and what was sold by them."""
