"""Jumps as data: from the app a link is opened in to where it leads."""
