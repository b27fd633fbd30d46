"""The settings: one frozen object, read once from the environment and the command line.

A field of ``Settings`` is the setting: its type, default, range and help are here and nowhere else.
``CHAT_<NAME>`` in the environment sets it, ``--<name>`` on the command line wins over that. An empty
value in the environment counts as none: ``CHAT_REDIS_URL=`` in a unit file or a compose file sets nothing.
"""

import argparse
import math
from collections.abc import Mapping
from dataclasses import Field, dataclass, field, fields
from typing import Any

from chat.errors import SettingsError

MOST = 1_000_000_000
"""No number above this makes sense, be it of seconds, and none up to it is too much for anybody."""

NOT_OURS = {"CHAT_VENV"}
"""Read by tests/run: whoever works on this has it in the environment of their nodes too."""


def _setting(default: Any, about: str, *, least: float = 0, most: float = MOST) -> Any:
    return field(default=default, metadata={"about": about, "least": least, "most": most})


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What can be set, with its default. Times are in seconds; ``names`` gives the spelling outside."""

    host: str = _setting("127.0.0.1", "address to listen on")
    port: int = _setting(8000, "port to listen on; 0 takes a free one", least=0, most=65535)
    workers: int = _setting(
        1,
        "node processes that share the port, each a node of its own; 0 is one for each core",
        most=256,
    )
    worker_port: int = _setting(
        0,
        "with several workers each also listens alone, for /metrics: the first here, the second at the next"
        " port, ...; 0 begins after the shared port",
        most=65535,
    )
    redis_url: str = _setting(
        "",
        "redis://, rediss://, unix://, redis+sentinel:// or redis+cluster:// address of the shared state;"
        " without it an embedded server is used: one node, nothing kept",
    )
    redis_timeout_seconds: float = _setting(
        2.0, "a Redis that is silent for longer is treated as lost", least=0.05
    )
    pools: int = _setting(
        1,
        "pools that new accounts go to, the lowest with room: to have more of them than one Redis can carry",
        least=1,
        most=1000,
    )
    pool_accounts: int = _setting(100_000, "accounts that fill a pool", least=1)
    replicas_to_wait: int = _setting(
        0, "replicas that must have a message before it is answered with 0", most=100
    )
    grace_seconds: float = _setting(30.0, "how long an account without a socket is kept", least=0)
    ping_interval_seconds: float = _setting(25.0, "a socket quiet for so long is pinged", least=0.1)
    ping_timeout_seconds: float = _setting(60.0, "a socket silent for longer is lost", least=0.1)
    node_lease_seconds: float = _setting(10.0, "a node silent for longer is dead", least=0.5)
    drain_seconds: float = _setting(
        20.0, "over how long a stopping node lets its sockets go", least=0
    )
    handshake_seconds: float = _setting(
        15.0, "how long a socket may be without an account", least=0.1
    )
    commands_per_second: float = _setting(10.0, "for a socket; 0 is no limit", least=0)
    commands_burst: int = _setting(40, "commands a socket may send at once", least=1)
    accounts_per_minute: int = _setting(
        30, "new accounts for an address, over all nodes; 0 is no limit", least=0
    )
    sockets_per_address: int = _setting(100, "on a node; 0 is no limit", least=0)
    sockets_without_account: int = _setting(10_000, "on a node; 0 is no limit", least=0)
    sessions_per_account: int = _setting(8, "sessions an account may have at once", least=1)
    inbox_length: int = _setting(
        1000, "pushes kept for an account; a message beyond it is refused", least=1
    )
    allowed_origins: str = _setting(
        "", "pages that may open the socket, as https://host, comma separated, * for all;"
        " without it the page's own host",
    )  # fmt: skip
    trusted_proxies: str = _setting(
        "", "addresses or networks, comma separated, whose X-Forwarded-For is believed"
    )


SETTINGS = fields(Settings)


def _env_name(setting: "Field[Any]") -> str:
    return f"CHAT_{setting.name.upper()}"


def _option(setting: "Field[Any]") -> str:
    return f"--{setting.name.replace('_', '-')}"


def add_options(parser: argparse.ArgumentParser) -> None:
    """Gives the parser one option for each setting, with its default and its name in the environment."""
    for setting in SETTINGS:
        default = f", default {setting.default}" if setting.default != "" else ""
        parser.add_argument(
            _option(setting),
            metavar="VALUE",
            help=f"{setting.metadata['about']} ({_env_name(setting)}{default})",
        )


def read(environment: Mapping[str, str], options: Mapping[str, Any]) -> Settings:
    """The settings of this process; raises SettingsError for the first that cannot be used."""
    values, said = {}, {}
    for setting in SETTINGS:
        option, env_name = _option(setting), _env_name(setting)
        if (text := options.get(setting.name)) is not None:
            values[setting.name], said[setting.name] = _value(setting, option, text), option
        elif text := environment.get(env_name):
            values[setting.name], said[setting.name] = _value(setting, env_name, text), env_name
        else:
            said[setting.name] = f"{option} or {env_name}"
    settings = Settings(**values)
    _compare_times(settings, said)
    if settings.workers != 1 and not settings.redis_url:
        raise SettingsError(
            f"{said['workers']} needs a Redis that the workers share ({said['redis_url']}):"
            " the embedded server is inside one node"
        )
    if settings.replicas_to_wait and not settings.redis_url:
        raise SettingsError(
            f"{said['replicas_to_wait']} needs a Redis with replicas ({said['redis_url']}):"
            " the embedded server has none"
        )
    return settings


def spelt(options: Mapping[str, Any]) -> list[str]:
    """What was given on the command line, to give it to another process."""
    return [
        f"{_option(setting)}={text}"
        for setting in SETTINGS
        if (text := options.get(setting.name)) is not None
    ]


def _compare_times(settings: Settings, said: Mapping[str, str]) -> None:
    """``said`` is how the person has spelt each setting; both spellings where it was not set."""
    if settings.ping_timeout_seconds <= settings.ping_interval_seconds:
        longer, shorter = said["ping_timeout_seconds"], said["ping_interval_seconds"]
        raise SettingsError(f"{longer} must be longer than {shorter}")
    if settings.redis_timeout_seconds >= settings.node_lease_seconds:
        shorter, longer = said["redis_timeout_seconds"], said["node_lease_seconds"]
        raise SettingsError(
            f"{shorter} must be shorter than {longer}:"
            " a node would be taken for dead before it notices that Redis is silent"
        )


def unknown(environment: Mapping[str, str]) -> list[str]:
    """Names that look like settings and are none: a misspelt limit is no limit."""
    known = {_env_name(setting) for setting in SETTINGS}
    ours = {name for name in environment if name.startswith("CHAT_")}
    return sorted(ours - known - NOT_OURS)


def _value(setting: "Field[Any]", name: str, text: str) -> Any:
    if isinstance(setting.default, str):
        return text
    whole = isinstance(setting.default, int)
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        value = math.nan
    shown = text if len(text) <= 40 else f"{text[:40]}…"
    if isinstance(value, float) and not math.isfinite(value):
        raise SettingsError(f"{name}: {shown!r} is not a {'whole ' if whole else ''}number")
    least, most = setting.metadata["least"], setting.metadata["most"]
    if value < least:
        raise SettingsError(f"{name}: {shown} is below {least}")
    if value > most:
        raise SettingsError(f"{name}: {shown} is above {most}")
    return value
