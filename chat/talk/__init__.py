"""The chat in a terminal, built on the client library."""
