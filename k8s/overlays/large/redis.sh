#!/bin/sh
# Starts one Redis: as the primary if the sentinels say so, otherwise as a replica of the one they name.
#
# At every start of the container, not only of the pod: another may have taken over meanwhile. Nobody but the
# sentinels decides, so this waits until most of them answer: one alone may be new, and know nothing. SELF is this server's "host:port".
set -eu
. "$(dirname "$0")/primary.sh"
LOGIN=replica
trap 'exit 0' TERM # while it waits; afterwards Redis is in its place

# What it is waiting for, said once.
said=
wait_for() {
    [ "$said" = "$1" ] || echo "redis.sh: $1"
    said=$1
    sleep 1
}

all=$(echo "$SENTINELS" | wc -w)
while :; do
    answers=$(export REDISCLI_AUTH="$REPLICA_PASSWORD" && named)
    answering=$(echo "$answers" | grep -c .) || true
    primary=$(echo "$answers" | head -n 1 | cut -d' ' -f2)
    replicas=$(echo "$answers" | head -n 1 | cut -d' ' -f3)
    if [ $((answering * 2)) -le "$all" ]; then
        wait_for "$answering of $all sentinels answer as yet"
    elif [ "$primary" = "$SELF" ] && [ ! -d "$DATA/appendonlydir" ] && [ "$replicas" != 0 ]; then
        # The volume is a new one. Replicas would copy its emptiness and forget everything.
        wait_for "named as the primary, but without data: a replica has to take over (or: sentinel reset chat)"
    else
        break
    fi
done

umask 077
{
    echo "include $GIVEN/redis.conf"
    echo "include $GIVEN/replication.conf"
    echo "include $GIVEN/writes.conf"
    echo "port ${SELF##*:}"
    echo "dir $DATA"
    echo "replica-announce-ip ${SELF%:*}"
    echo "replica-announce-port ${SELF##*:}"
    echo "masteruser replica"
    echo "masterauth $REPLICA_PASSWORD"
    [ "$primary" = "$SELF" ] || echo "replicaof ${primary%:*} ${primary##*:}"
} >"$MADE/redis.conf"
echo "redis.sh: $SELF starts; the primary is $primary"
exec redis-server "$MADE/redis.conf"
