"""What a node writes about itself: lines for people at a terminal, otherwise one JSON object a line."""

import logging
from datetime import UTC, datetime
from typing import TextIO

import orjson

FOR_PEOPLE = "%(asctime)s %(levelname)s %(message)s"


class JsonLines(logging.Formatter):
    """``time`` (UTC), ``level``, ``logger``, ``message``, and ``error`` with the traceback where there is one."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        line = {
            "time": moment.replace("+00:00", "Z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return orjson.dumps(line).decode()


def writer(stream: TextIO) -> logging.Handler:
    """Writes to that stream, in the form that suits who reads it."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter(FOR_PEOPLE) if stream.isatty() else JsonLines())
    return handler


def set_up(stream: TextIO) -> None:
    """Everything from "info" on goes to that stream, of uvicorn only errors: it warns of what clients do wrong."""
    logging.basicConfig(level=logging.INFO, handlers=[writer(stream)])
    logging.getLogger("uvicorn").setLevel(logging.ERROR)
