"""Workers die again and again while people talk, and a parent hands over to the next one."""

import json
import signal

from tests.load.scene import running
from tests.support.process import wait_until
from tests.support.workers import WorkersProcess, some_workers, wait_gone

TALK = ("talk", "--pairs", "20", "--rate", "300", "--duration", "600", "--ramp", "2000", "--json")


def test_nothing_is_lost_with_worker_after_worker() -> None:
    """Killed in turns, as soon as all are back, which is at the one that dies next; at the end the parent is told to
    stop, and another takes its place. What was confirmed has arrived, once and in order."""
    with some_workers(2, CHAT_DRAIN_SECONDS="1") as (_, workers):
        with running("--url", workers.url, *TALK) as process:
            wait_until(lambda: all_talk(workers), "they talk")
            for number in (1, 2, 1):
                wait_gone(workers.signal_worker(number, signal.SIGKILL))
                wait_until(lambda: all_talk(workers), "all are back")
            assert workers.stop() == 0
            workers.start()
            wait_until(lambda: all_talk(workers), "all are at the next ones")
            process.send_signal(signal.SIGINT)
            stdout, stderr = process.communicate(timeout=30)
        assert workers.stop() == 0
        assert "Traceback" not in workers.log()
    assert (process.returncode, stderr) == (0, ""), stdout
    result = json.loads(stdout)
    people, messages = result["people"], result["messages"]
    assert (people["here"], people["accounts_lost"], people["unrecovered"]) == (40, 0, 0)
    assert people["sockets_lost"] == people["came_back"] >= 90
    assert messages["confirmed"] == messages["arrived"] == messages["said"] > 300
    assert {messages[wrong] for wrong in ("missing", "twice", "disordered", "strange")} == {0}


def all_talk(workers: WorkersProcess) -> bool:
    """Whether both workers are there, and everybody has a socket at one of them, and talks."""
    try:
        said = [workers.figure(at, "chat_messages_total") for at in (1, 2)]
        return sum(said) > 0 and sum(workers.sockets()) == 40
    except OSError:
        return False
