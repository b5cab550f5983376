"""Links and channels: one link jumps to the right place from inside any app, and every click is kept."""
