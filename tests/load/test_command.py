"""``chat load`` as people have it: a process, its output, its exit code."""

import json
import re
import resource
import signal

import pytest

from chat.load.files import provide_files
from chat.load.hints import LoadFailed
from chat.load.options import EPILOG, PROFILES
from tests.load.scene import ran, refused, result_of, running
from tests.support.nodes import NO_LIMITS, NodeProcess
from tests.support.process import HOST, free_port, wait_until
from tests.support.servers import Server

SHORT = ("--pairs", "3", "--rate", "30", "--duration", "0.5")


def test_a_table_for_people(embedded_node: NodeProcess) -> None:
    """On standard output, nothing beside it where nobody looks."""
    ended = ran("--url", embedded_node.url, *SHORT)
    assert (ended.returncode, ended.stderr) == (0, "")
    lines = ended.stdout.splitlines()
    assert re.fullmatch(r"chat load talk: 3 pairs, 30/s, \d\.\d s, 1 URL", lines[0])
    assert any(line.startswith("messages  15 said · 15 confirmed") for line in lines)
    assert any(line.split()[:2] == ["delivery", "15"] for line in lines)
    assert lines[-1] == "ok: every confirmed message arrived once, in order"


def test_an_object_for_programs(embedded_node: NodeProcess) -> None:
    """With the fields that --help lists."""
    result = result_of("churn", "--url", embedded_node.http + "/", *SHORT)
    assert (result["profile"], result["urls"]) == ("churn", [embedded_node.url])
    messages = result["messages"]
    assert messages["arrived"] == result["people"]["meetings"] == 15 - messages["held_back"]
    for name, value in result.items():
        assert name in EPILOG
        if name in ("people", "messages", "generator"):
            assert [key for key in value if key not in EPILOG] == []


def test_help_names_every_profile() -> None:
    """And fits a terminal."""
    text = ran("--help").stdout
    assert all(f"  {name} " in text for name in PROFILES)
    assert max(map(len, text.splitlines())) <= 110


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("dance",), "invalid choice: 'dance'"),
        (("--url", "ftp://host/ws"), "no address of a node"),
        (("--url", "ws://:8000/ws"), "no address of a node"),
        (("--pairs", "0"), "--pairs: '0' is not a whole number from 1 to 1000000"),
        (("--pairs", "1.5"), "'1.5' is not a whole number from 1"),
        (("--pairs", "many"), "'many' is not a whole number from 1"),
        (("--rate", "-1"), "--rate: '-1' is not a number from 0.01 to 1000000"),
        (("--rate", "fast"), "'fast' is not a number from 0.01"),
        (("--duration", "0"), "'0' is not a number from 0.01"),
        (("--duration", "inf"), "'inf' is not a number from 0.01"),
        (("--ramp", "nan"), "'nan' is not a number from 0.01"),
        (("--frobnicate",), "unrecognized arguments"),
    ],
)
def test_wrong_usage(arguments: tuple[str, ...], why: str) -> None:
    """Exit code 2, and nothing was done."""
    assert why in refused(*arguments, code=2)


def test_what_cannot_be_reached_is_told_in_one_line() -> None:
    """Exit code 1."""
    url = f"ws://{HOST}:{free_port()}/ws"
    assert refused("--url", url, *SHORT).startswith("chat: 0 of 6 people could come: " + url)


@pytest.mark.parametrize(
    ("redirection", "why"),
    [(">&-", "standard output is closed"), (">/dev/full", "No space left on device")],
)
def test_nowhere_to_write(embedded_node: NodeProcess, redirection: str, why: str) -> None:
    """One line, and exit code 1."""
    ended = ran("--url", embedded_node.url, *SHORT, redirection=redirection)
    assert (ended.returncode, ended.stderr) == (1, f"chat: cannot write here: {why}\n")


def test_nowhere_to_complain(embedded_node: NodeProcess) -> None:
    """The result is there all the same."""
    ended = ran("--url", embedded_node.url, *SHORT, redirection="2>&- <&-")
    assert (ended.returncode, ended.stdout.splitlines()[-1][:3]) == (0, "ok:")


def test_whoever_reads_may_have_read_enough(embedded_node: NodeProcess) -> None:
    """The exit code is that of the load."""
    ended = ran("--url", embedded_node.url, *SHORT, redirection="| true")
    assert (ended.stdout, ended.stderr) == ("", "")


def test_errors_end_with_1() -> None:
    """And the result is there all the same."""
    limits = {"CHAT_COMMANDS_PER_SECOND": "2", "CHAT_COMMANDS_BURST": "5"}
    with NodeProcess(env={**NO_LIMITS, **limits}) as node:
        result = result_of("--url", node.url, *SHORT[:3], "300", *SHORT[4:], code=1)
    (error,) = result["errors"]
    assert (error["request"], error["code"], error["name"]) == ("DIALOGUE_REQ", 6, "RateLimited")
    assert len(result["hints"]) == 1


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 0), (signal.SIGTERM, 128 + signal.SIGTERM)]
)
def test_ended_early_it_says_what_there_is_so_far(
    embedded_node: NodeProcess, number: signal.Signals, code: int
) -> None:
    """By Ctrl-C, or told to stop: what was said is waited for, and everybody says goodbye."""
    much = ("--pairs", "5", "--rate", "100", "--duration", "60")
    with running("--json", "--url", embedded_node.url, *much) as process:
        wait_until(lambda: "chat_messages_total 0.0" not in figures(embedded_node), "they talk")
        process.send_signal(number)
        stdout, stderr = process.communicate(timeout=20)
    result = json.loads(stdout)
    assert (process.returncode, stderr) == (code, "")
    assert (result["interrupted"], result["ok"]) == (True, True)
    assert result["messages"]["said"] == result["messages"]["arrived"] > 0
    wait_until(lambda: "chat_sockets 0.0" in figures(embedded_node), "all said goodbye")


def test_a_node_that_dies_is_told_of_in_the_result_alone(redis_server: Server) -> None:
    """No library complains of what its people still wanted to say, as fast as they can."""
    with (
        NodeProcess(redis_server.url, NO_LIMITS) as node,
        NodeProcess(redis_server.url, NO_LIMITS) as other,
        running("--url", node.url, "--url", other.url, "--rate", "max", "--json") as process,
    ):
        wait_until(lambda: "chat_messages_total 0.0" not in figures(other), "they talk")
        node.kill()
        wait_until(lambda: "chat_sockets 100.0" in figures(other), "all are at the other one")
        process.send_signal(signal.SIGINT)
        stdout, stderr = process.communicate(timeout=20)
    result = json.loads(stdout)
    assert (process.returncode, stderr, result["ok"]) == (0, "", True)
    assert result["people"]["sockets_lost"] >= 50


def figures(node: NodeProcess) -> str:
    return node.get("/metrics")[1]


def test_a_limit_of_file_descriptors_that_is_too_low_is_told_before(
    embedded_node: NodeProcess,
) -> None:
    """The hard one; a soft one is raised."""
    many = ("--url", embedded_node.url, "--pairs", "100", "--rate", "10", "--duration", "0.2")
    assert "200 people need 264 file descriptors" in why_limited("ulimit -n 100", *many)
    assert ran(*many, limit="ulimit -Sn 100").returncode == 0


def why_limited(limit: str, *arguments: str) -> str:
    ended = ran(*arguments, limit=limit)
    assert (ended.returncode, ended.stdout) == (1, "")
    return ended.stderr


def test_a_limit_that_suffices_is_left_alone() -> None:
    """And one that cannot is not touched."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    provide_files(1)
    with pytest.raises(LoadFailed, match="ulimit -Hn"):
        provide_files(before[1] + 1)
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before
