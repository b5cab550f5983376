"""Hutong 互通: one hub over the walled platforms a small merchant sells on."""

__version__ = "0.1.0"
