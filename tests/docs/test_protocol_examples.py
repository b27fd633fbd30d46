"""docs/protocol.md is played against a running node, and its frames are what the node says."""

import asyncio
import json
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from chat.commands import Ignored, Malformed
from chat.protocol import decode
from tests.support.nodes import NodeProcess
from tests.support.wire import Wire

PAGE = Path(__file__).parents[2] / "docs" / "protocol.md"
LINE = re.compile(r"^(\w+) ([→←]) (\{.*\})$")
CUT = re.compile(r"^(\w+) is cut off$")


def conversation() -> list[tuple[str, str, Any]]:
    """The steps of the page's conversation: (who, → or ← or "cut", frame)."""
    block = PAGE.read_text().partition("## A conversation")[2].split("```")[1]
    steps: list[tuple[str, str, Any]] = []
    for line in filter(None, block.splitlines()):
        if found := CUT.match(line):
            steps.append((found[1], "cut", None))
        else:
            found = LINE.match(line)
            assert found, f"not a step: {line}"
            steps.append((found[1], found[2], json.loads(found[3])))
    return steps


def test_every_frame_of_a_client_is_a_command() -> None:
    """What the page lets clients send is well-formed, but for the one that shows an error."""
    for _, arrow, frame in conversation():
        if arrow == "→" and frame["cmd"] != "DANCE_REQ":
            assert not isinstance(decode(json.dumps(frame).encode()), Malformed | Ignored)


def test_the_conversation_shows_every_command_and_push() -> None:
    """What the page's tables name is shown in its conversation, but for the node's ping."""
    named = set(re.findall(r"^\| `(\w+_REQ)`", PAGE.read_text(), re.MULTILINE))
    assert named == {frame["cmd"] for _, _, frame in conversation() if frame} & named


class Players:
    """Plays the page: learns the real ids and tokens from the answers, compares all else."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._wires: dict[str, Wire] = {}
        self._tokens: dict[str, str] = {}

    async def step(self, who: str, what: str, frame: Any) -> None:
        if what == "cut":
            self._wires.pop(who).abort()
            return
        if who not in self._wires:
            self._wires[who] = await Wire.open(self._url)
        if what == "→":
            if "token" in frame:
                frame = {**frame, "token": self._tokens[frame["token"]]}
            self._wires[who].send(frame)
            return
        said = await self._wires[who].receive()
        while said["cmd"] == "PING_REQ":  # on a slow machine: it was quiet for a moment
            self._wires[who].send({"cmd": "PING_RESP", "accountId": said["accountId"]})
            said = await self._wires[who].receive()
        if "token" in said:
            self._tokens[frame["token"]] = said["token"]
            said["token"] = frame["token"]
        assert said == frame


def test_the_page_is_what_a_node_says(embedded_node: NodeProcess) -> None:
    """On a fresh node, where ids begin at 1000, every frame is the page's to the letter."""

    async def scenario() -> None:
        players = Players(embedded_node.url)
        for step in conversation():
            await players.step(*step)

    asyncio.run(scenario())


def test_the_order_of_fields_is_free_but_seq_is_last() -> None:
    """Nodes find the delivery number at the end of a push, so the page shows it there."""
    seqs: defaultdict[str, int] = defaultdict(int)
    for who, arrow, frame in conversation():
        if arrow == "←" and "seq" in frame:
            assert list(frame)[-1] == "seq"
            assert frame["seq"] == seqs[who] + 1
            seqs[who] += 1
