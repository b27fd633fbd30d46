"""What a node writes about itself: lines for people at a terminal, otherwise one JSON object a line.

Where several workers write to one place each line says whose it is: their number, from 1 on.
"""

import logging
from datetime import UTC, datetime
from typing import TextIO

import orjson

FOR_PEOPLE = "%(asctime)s %(levelname)s %(message)s"
OF_A_WORKER = "%(asctime)s %(levelname)s worker %(worker)d: %(message)s"


class JsonLines(logging.Formatter):
    """``time`` (UTC), ``level``, ``logger``, ``message``, ``worker`` where there are several, and ``error`` with the
    traceback where there is one."""

    def __init__(self, worker: int | None = None) -> None:
        super().__init__()
        self._worker = {} if worker is None else {"worker": worker}

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            **self._worker,
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


def writer(stream: TextIO, worker: int | None = None) -> logging.Handler:
    """Writes to that stream, in the form that suits who reads it."""
    for_people = FOR_PEOPLE if worker is None else OF_A_WORKER
    form = logging.Formatter(for_people, defaults={"worker": worker})
    handler = logging.StreamHandler(stream)
    handler.setFormatter(form if stream.isatty() else JsonLines(worker))
    return handler


def set_up(stream: TextIO, worker: int | None = None) -> None:
    """Everything from "info" on goes to that stream, of uvicorn only errors: it warns of what clients do wrong."""
    logging.basicConfig(level=logging.INFO, handlers=[writer(stream, worker)])
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
