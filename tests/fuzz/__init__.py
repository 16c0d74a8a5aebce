"""Every parser of hostile bytes, fed with what grows out of the real thing. See `python -m tests.fuzz --help`."""
