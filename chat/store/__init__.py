"""Redis as the only shared state: the keys, the function library and the link to it.

Knows nothing of sockets: commands come in as plain values, results go out to a callback.
"""
