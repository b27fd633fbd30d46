#!/bin/sh
# Starts one sentinel: with sentinel.conf as it is now, and with what this sentinel has learned before.
#
# One that has learned nothing watches the primary that other sentinels name; else a Redis that acts as one; and
# only where nobody knows of any, which is when all this is new, the first of PEERS. SELF is its "host:port".
set -eu
. "$(dirname "$0")/primary.sh"
LOGIN=sentinel
export REDISCLI_AUTH="$SENTINEL_PASSWORD"

learned=
if [ -f "$DATA/sentinel.conf" ]; then
    learned=$(grep -E '^sentinel (myid|monitor|[a-z]+-epoch|known-(replica|sentinel)) ' "$DATA/sentinel.conf" || true)
fi
primary=$(echo "$learned" | awk '$2 == "monitor" { print $4 ":" $5 }')
if [ -z "$primary" ]; then
    primary=$(named | head -n 1 | cut -d' ' -f2)
    [ -n "$primary" ] || primary=$(acting)
    [ -n "$primary" ] || primary=${PEERS%% *}
    echo "sentinel.sh: $SELF is new here; the primary is $primary"
    learned="sentinel monitor chat ${primary%:*} ${primary##*:} 2"
fi

# Once there have been replicas, all of PEERS are: a sentinel that starts before the names of others are there takes
# them for one and the same, and forgets them. If then the primary never came back, nobody could take over.
case $learned in
*" known-replica "*)
    learned=$(
        echo "$learned" | grep -v ' known-replica '
        for peer in $PEERS; do
            [ "$peer" = "$primary" ] || echo "sentinel known-replica chat ${peer%:*} ${peer##*:}"
        done
    )
    ;;
esac

umask 077
{
    grep -v '^sentinel monitor ' "$GIVEN/sentinel.conf" | sed \
        -e "s/SELF_HOST/${SELF%:*}/" -e "s/^port .*/port ${SELF##*:}/" \
        -e "s/PASSWORD_SHA256/$PASSWORD_SHA256/" -e "s/REPLICA_SHA256/$REPLICA_SHA256/" \
        -e "s/SENTINEL_SHA256/$SENTINEL_SHA256/" -e "s/SENTINEL_PASSWORD/$SENTINEL_PASSWORD/"
    echo "$learned"
} >"$DATA/sentinel.conf.new"
mv "$DATA/sentinel.conf.new" "$DATA/sentinel.conf"
exec redis-server "$DATA/sentinel.conf" --sentinel --dir "$DATA"
