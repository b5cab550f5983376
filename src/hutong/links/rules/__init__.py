"""Rules of a link: who is led elsewhere, and when. Written as data, compiled once, asked for each click."""
