"""The load: people who speak the wire of each system, cheap enough that the nodes are what is measured."""
