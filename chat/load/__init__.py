"""The load generator: ``chat load``, and what it is made of, for other measurements."""
