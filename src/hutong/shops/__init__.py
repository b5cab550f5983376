"""One catalogue, one stock, one order desk over all platforms, stores and accounts."""
