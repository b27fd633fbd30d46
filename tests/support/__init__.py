"""What tests stand on: real servers, nodes as processes, and a raw client."""
