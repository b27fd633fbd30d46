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
    learned=$(grep -E '^sentinel (myid|monitor|(config|leader|current)-epoch|known-(replica|sentinel)) ' "$DATA/sentinel.conf" || true)
fi
case $learned in
*"sentinel monitor "*) ;;
*)
    primary=$(named | cut -d' ' -f2)
    [ -n "$primary" ] || primary=$(acting)
    [ -n "$primary" ] || primary=${PEERS%% *}
    echo "sentinel.sh: $SELF is new here; the primary is $primary"
    learned="sentinel monitor chat ${primary%:*} ${primary##*:} 2"
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
