#!/bin/sh
# Starts one Redis of the cluster. What it knows of the others, and which id it has, is in nodes.conf on its volume.
#
# SELF is its name, "host:port", by which nodes find it. ADDRESS is what the others find it by, if that is given: a pod
# has another one after each restart. Whoever has not noticed is told by keeper.py.
set -eu

umask 077
{
    echo "include $GIVEN/redis.conf"
    echo "include $GIVEN/replication.conf"
    echo "include $GIVEN/cluster.conf"
    echo "port ${SELF##*:}"
    echo "dir $DATA"
    echo "cluster-announce-hostname ${SELF%:*}"
    [ -z "${ADDRESS-}" ] || echo "cluster-announce-ip $ADDRESS"
    echo "masteruser replica"
    echo "masterauth $REPLICA_PASSWORD"
} >"$MADE/redis.conf"
exec redis-server "$MADE/redis.conf"
