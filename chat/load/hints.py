"""What went wrong, in words that say what to do about it."""

from http import HTTPStatus
from ssl import SSLCertVerificationError, SSLError

from picows import WSInvalidStatusError, WSInvalidURL, WSUpgradeResponse

from chat.errors import ChatError
from chat.load.tally import CODES, Tally


class LoadFailed(ChatError):
    """The load cannot be made as it was asked for."""


UNDER_TEST = "=0 on the nodes under test"
STATUS_HINTS = {
    HTTPStatus.NOT_FOUND: "a node is at the path /ws",
    HTTPStatus.FORBIDDEN: "it does not want sockets from here",
    HTTPStatus.TOO_MANY_REQUESTS: "too many sockets from one address: set CHAT_SOCKETS_PER_ADDRESS"
    + UNDER_TEST,
    HTTPStatus.SERVICE_UNAVAILABLE: "it is leaving, or too many are arriving: a lower --ramp,"
    f" or CHAT_SOCKETS_WITHOUT_ACCOUNT{UNDER_TEST}",
}
CODE_HINTS = {
    "CRT_ACCOUNT_REQ": f"too many new accounts from one address: set CHAT_ACCOUNTS_PER_MINUTE{UNDER_TEST}",
    "DIALOGUE_REQ": f"more than CHAT_COMMANDS_PER_SECOND: set it{UNDER_TEST}, or use more --pairs"
    " (or an inbox was full: CHAT_INBOX_LENGTH)",
}
OTHER_CODE_HINT = f"more than CHAT_COMMANDS_PER_SECOND: set it{UNDER_TEST}"
CLOSED_AT_ONCE = "the connection was closed without an answer"
FILES_HINT = "too few file descriptors: ulimit -n"
UNDONE, RATE_LIMITED = 2, 6
UNDONE_HINT = (
    "code 2: Redis is not reachable for the nodes, or does not confirm (CHAT_REPLICAS_TO_WAIT);"
    " their log says which"
)
IN_VAIN = "answered with code 2 for"


def brief(failure: Exception) -> str:
    """Why a connection failed, in few words, of which there are not many."""
    status = status_of(failure)
    if status is not None:
        return f"HTTP {status}"
    if isinstance(failure, TimeoutError):
        return "no answer to a connection"
    if isinstance(failure, OSError):
        return f"cannot connect: {failure.strerror or type(failure).__name__}".partition(" (")[0]
    return f"cannot connect: {type(failure).__name__}"


def explained(url: str, failure: Exception) -> str:
    """Why a connection failed, for somebody who has just given this URL."""
    status = status_of(failure)
    if status is not None:
        hint = status_hint(status)
        return f"{url} answers with HTTP {status}, not a WebSocket" + (f"; {hint}" if hint else "")
    if isinstance(failure, TimeoutError):
        return f"{url} does not answer"
    if isinstance(failure, WSInvalidURL):
        return str(failure)
    if isinstance(failure, SSLCertVerificationError):
        return (
            f"the certificate of {url} is not trusted: {failure.verify_message};"
            " SSL_CERT_FILE can name a file with one that is"
        )
    if isinstance(failure, SSLError) and failure.reason == "WRONG_VERSION_NUMBER":
        return f"{url} does not speak TLS: is it ws:// (or http://)?"
    why = failure.strerror if isinstance(failure, OSError) else None
    return f"{url} cannot be reached: {why or failure}"


def status_of(failure: Exception) -> int | None:
    """The HTTP status that was told in place of a WebSocket."""
    match failure:
        case WSInvalidStatusError(response=WSUpgradeResponse(status=status)):
            return int(status)
    return None


def status_hint(status: int) -> str:
    return next((hint for known, hint in STATUS_HINTS.items() if known == status), "")


def code_hint(request: str, code: int) -> str:
    if code != RATE_LIMITED:
        return ""
    return CODE_HINTS.get(request, OTHER_CODE_HINT)


def in_vain(request: str, seconds: float) -> str:
    """There were answers, but none that said that it was done."""
    return f"{request} {IN_VAIN} {seconds:.3g} s"


def named(code: int) -> str:
    """6 RateLimited."""
    return f"{code} {CODES.get(code, '')}".rstrip()


def hints(tally: Tally) -> list[str]:
    """What to do about what was counted, each hint once."""
    found = [code_hint(request, code) for request, code in tally.errors]
    for trouble in tally.troubles:
        status = trouble.removeprefix("HTTP ")
        if status != trouble and status.isdigit():
            found.append(status_hint(int(status)))
        if "Too many open files" in trouble:
            found.append(FILES_HINT)
        if IN_VAIN in trouble:
            found.append(UNDONE_HINT)
    if tally.unanswered and any(code == UNDONE for _, code in tally.errors):
        found.append(UNDONE_HINT)
    return list(dict.fromkeys(hint for hint in found if hint))
