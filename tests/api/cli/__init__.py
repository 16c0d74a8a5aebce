"""The command line, as its users run it: real processes, real files, a real server."""
