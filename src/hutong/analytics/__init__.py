"""What sold where: facts taken from events, and the figures made of them."""
