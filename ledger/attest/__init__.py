"""Others' word on our checkpoints: witnesses that cosign them, timestamp authorities that date them.

Nothing here stands in the way of anchoring: when witnesses or authorities are down, entries go on being committed and
the receipt says what is still missing. What this room needs of the log (the newest checkpoint, appending
`timestamp.recorded`) is handed in.
"""
