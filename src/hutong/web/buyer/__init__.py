"""Buyers' pages: tiny, in one response each, made to work inside any app."""
