"""Tables in files: what merchants download, in whatever container, encoding and shape, as header and rows."""
