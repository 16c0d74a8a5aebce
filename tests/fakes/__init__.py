"""Stand-ins for the outside world: they implement the real protocols, and can be told to break them."""
