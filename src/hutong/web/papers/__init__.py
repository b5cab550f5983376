"""Statements as files that people keep: tables and a printed page, all of one content."""
