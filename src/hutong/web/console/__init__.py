"""The merchant's console: one module a page, each reads once and returns one typed view."""
