"""What ``chat talk`` says to people in more than a few words."""

from chat.client.events import Refused

HELP = """\
/next   leave, and look for another stranger
/leave  leave your partner, or stop looking
/quit   say goodbye (Ctrl-C and Ctrl-D do the same)
/help   this
//text  say /text"""

REFUSALS = {
    1: "it is too long, or has characters that the node does not take",
    4: "the session is gone",
    5: "the node does not allow it",
    7: "your partner has left",
}


def reason(refused: Refused) -> str:
    return REFUSALS.get(refused.code, f"the node says code {refused.code}")
