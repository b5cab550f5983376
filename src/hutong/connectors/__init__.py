"""The platforms Hutong can speak to: one folder each, loaded by entry point, and nobody imports one by name."""
