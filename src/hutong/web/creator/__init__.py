"""The page that everybody who earns shares opens on the phone: his own figures, and nobody else's."""
