"""What people and programs see over HTTP: the merchant's console, the buyers' pages, the API, platform callbacks."""
