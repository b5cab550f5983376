"""The fast link server: answers links from memory and loses no click silently."""
