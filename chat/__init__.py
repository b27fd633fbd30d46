"""Anonymous chat with a stranger: many identical WebSocket nodes, Redis as the only shared state."""

__version__ = "0.1.0"
