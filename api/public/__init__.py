"""What anybody may read without a token: the log, the trust folder, timestamps, health, and the API's description."""
