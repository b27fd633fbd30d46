#!/bin/sh
# Makes the list of users: the digests of their passwords go into it; a password itself never is in a file here.
set -eu
cat "$GIVEN"/*.acl | sed -e "s/PASSWORD_SHA256/$SHA256/" -e "s/REPLICA_SHA256/$REPLICA_SHA256/" \
    -e "s/SENTINEL_SHA256/${SENTINEL_SHA256-}/" -e "s/KEEPER_SHA256/${KEEPER_SHA256-}/" >"$USERS"
