# Who is the primary, for the scripts that start a Redis or a sentinel. They give:
#
#   PEERS      the Redis servers, "host:port host:port ..."
#   SENTINELS  the sentinels, in the same form
#   LOGIN      the user to ask with; the password is in REDISCLI_AUTH

# ask host:port word ...: the answer, a value a line; nothing where there is none.
ask() {
    place=$1
    shift
    timeout 3 redis-cli -e -h "${place%:*}" -p "${place##*:}" --user "$LOGIN" "$@" 2>/dev/null || true
}

# What each sentinel that answers knows, "epoch host:port replicas", the one that knows best first: the epoch grows
# whenever another primary takes over. The address comes from another question than the rest, since while one takes over it is the
# first to tell.
named() {
    for place in $SENTINELS; do
        address=$(ask "$place" sentinel get-master-addr-by-name chat | paste -sd: -)
        [ -z "$address" ] || ask "$place" sentinel master chat | awk -v address="$address" '
            NR % 2 { name = $0; next }
            { said[name] = $0 }
            END { if ("config-epoch" in said) print said["config-epoch"], address, said["num-slaves"] }'
    done | sort -rn
}

# The "host:port" of a Redis that is a primary, by its own word: the one that most replicas follow.
acting() {
    for place in $PEERS; do
        ask "$place" info replication | tr -d '\r' | awk -F: -v place="$place" '
            { said[$1] = $2 }
            END { if (said["role"] == "master") print said["connected_slaves"], place }'
    done | sort -rn | awk 'NR == 1 { print $2 }'
}
