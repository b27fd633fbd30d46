"""``chat top``: the whole cluster at a glance, read from Redis alone."""
