#!/bin/sh
# Before a Redis is stopped: a primary hands over to its replica, and nothing is lost. It takes no writes until the
# replica has all of them, and then it is a replica itself.
#
# This ends, whatever happens, after LIMIT seconds: then the others find that the primary is gone, and a replica takes
# over by itself.
set -eu
export REDISCLI_AUTH="$KEEPER_PASSWORD"
port=${SELF##*:}

# ask address port word ...: the answer; nothing where there is none.
ask() {
    host=$1 at=$2
    shift 2
    timeout 2 redis-cli -e -h "$host" -p "$at" --user keeper "$@" 2>/dev/null || true
}

# The "address port" of a replica that is well, while this is a primary with slots.
heir() {
    ask 127.0.0.1 "$port" cluster nodes | awk '
        $3 ~ /myself/ { if ($3 ~ /master/ && NF > 8) self = $1 }
        $3 ~ /slave/ && $3 !~ /fail|noaddr/ && $8 == "connected" { at[$1] = $2; follows[$1] = $4 }
        END {
            for (id in at) if (self != "" && follows[id] == self) {
                sub(/@.*/, "", at[id])
                address = port = at[id]
                sub(/:[0-9]*$/, "", address)
                sub(/.*:/, "", port)
                print address, port
                exit
            }
        }'
}

deadline=$(($(date +%s) + ${LIMIT:-15}))
asked=0
while [ "$(date +%s)" -lt "$deadline" ]; do
    found=$(heir)
    [ -n "$found" ] || break
    # One that got no votes in time gives up after 5 s, and can be asked again.
    if [ $(($(date +%s) - asked)) -ge 6 ]; then
        asked=$(date +%s)
        ask "${found% *}" "${found#* }" cluster failover >/dev/null
    fi
    sleep 0.2
done
