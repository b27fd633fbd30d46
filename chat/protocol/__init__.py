"""The wire protocol: the only place of the node that knows JSON. docs/protocol.md describes it."""

from chat.protocol.replies import (
    create_resp,
    dialogue_resp,
    done_resp,
    json_text,
    match_resp,
    ping_req,
    ping_resp,
    reconnect_resp,
    refused,
    seq_of,
)
from chat.protocol.requests import decode

__all__ = [
    "create_resp",
    "decode",
    "dialogue_resp",
    "done_resp",
    "json_text",
    "match_resp",
    "ping_req",
    "ping_resp",
    "reconnect_resp",
    "refused",
    "seq_of",
]
