"""One checkout takes any wallet; what is captured, refunded and unclear is always known."""
