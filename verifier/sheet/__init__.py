"""Pages for people: reports and letters as self-contained, printable HTML without scripts."""
