"""``config``: defaults, the environment, the command line, and errors that name the setting."""

import argparse
from dataclasses import Field, FrozenInstanceError
from typing import Any

import pytest

from chat import config
from chat.config import Settings
from chat.errors import SettingsError

ENV = "CHAT_PING_INTERVAL_SECONDS"


def test_the_defaults() -> None:
    """Those that deployments rely on."""
    settings = config.read({}, {})
    assert settings == Settings()
    assert (settings.host, settings.port, settings.redis_url) == ("127.0.0.1", 8000, "")
    assert (settings.grace_seconds, settings.handshake_seconds) == (30, 15)
    assert (settings.ping_interval_seconds, settings.ping_timeout_seconds) == (25, 60)
    assert (settings.node_lease_seconds, settings.drain_seconds) == (10, 20)
    assert (settings.commands_per_second, settings.commands_burst) == (10, 40)
    assert (settings.accounts_per_minute, settings.sockets_per_address) == (30, 100)
    assert (settings.sessions_per_account, settings.inbox_length) == (8, 1000)
    assert settings.replicas_to_wait == 0
    assert (settings.allowed_origins, settings.trusted_proxies) == ("", "")


def test_settings_do_not_change() -> None:
    """What was read once stays as it is."""
    with pytest.raises(FrozenInstanceError):
        config.read({}, {}).port = 1  # type: ignore[misc]


def test_the_environment() -> None:
    """``CHAT_<NAME>`` sets a text, a whole number and a time."""
    settings = config.read(
        {"CHAT_HOST": "::", "CHAT_PORT": "0", "CHAT_GRACE_SECONDS": "1.5", "HOST": "no"}, {}
    )
    assert (settings.host, settings.port, settings.grace_seconds) == ("::", 0, 1.5)


def test_the_command_line_wins() -> None:
    """An option that is not given is None, and leaves it to the environment."""
    settings = config.read({"CHAT_PORT": "1", "CHAT_HOST": "a"}, {"port": "2", "host": None})
    assert (settings.port, settings.host) == (2, "a")


def test_the_command_line_spares_a_wrong_environment() -> None:
    """What is not used need not be right."""
    assert config.read({"CHAT_PORT": "x"}, {"port": "2"}).port == 2


def test_the_command_line_can_be_spelt_again() -> None:
    """For a process that has the same environment: what was given, also an empty text, and nothing else."""
    given = {"port": "2", "redis_url": "redis://a?b=c d", "host": "", "workers": None, "run": len}
    spelt = config.spelt(given)
    assert spelt == ["--host=", "--port=2", "--redis-url=redis://a?b=c d"]
    parser = argparse.ArgumentParser()
    config.add_options(parser)
    assert config.read({}, vars(parser.parse_args(spelt))) == config.read({}, given)


def test_several_workers_need_a_redis() -> None:
    """Named as they were given; with one it is nobody's affair how many there are."""
    with pytest.raises(SettingsError, match=r"^CHAT_WORKERS needs a Redis .*CHAT_REDIS_URL\):"):
        config.read({"CHAT_WORKERS": "0"}, {})
    assert config.read({"CHAT_WORKERS": "0"}, {"redis_url": "redis://a"}).workers == 0


def test_every_setting_has_an_option_that_is_read() -> None:
    """Through argparse and back, and all of them in the help."""
    parser = argparse.ArgumentParser()
    config.add_options(parser)
    given = {setting.name: str(setting.default) for setting in config.SETTINGS}
    arguments = [
        part for name, text in given.items() for part in (f"--{name.replace('_', '-')}", text)
    ]
    assert config.read({}, vars(parser.parse_args(arguments))) == Settings()
    assert config.read({}, vars(parser.parse_args([]))) == Settings()
    for setting in config.SETTINGS:
        assert f"CHAT_{setting.name.upper()}" in parser.format_help()


@pytest.mark.parametrize("text", ["x", "1,5", "nan", "inf", "-inf", "1e999", "0x10", "1 2"])
def test_what_is_no_number(text: str) -> None:
    """The error names the setting and repeats what it says."""
    with pytest.raises(SettingsError) as error:
        config.read({ENV: text}, {})
    assert str(error.value) == f"{ENV}: {text!r} is not a number"


@pytest.mark.parametrize("text", ["", "x", "1.5", "1e3", "nan"])
def test_what_is_no_whole_number(text: str) -> None:
    """A port has no fraction."""
    with pytest.raises(SettingsError) as error:
        config.read({}, {"port": text})
    assert str(error.value) == f"--port: {text!r} is not a whole number"


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("CHAT_PORT", "-1"),
        ("CHAT_PORT", "65536"),
        ("CHAT_REDIS_TIMEOUT_SECONDS", "0"),
        ("CHAT_GRACE_SECONDS", "-0.1"),
        ("CHAT_PING_INTERVAL_SECONDS", "0"),
        ("CHAT_PING_TIMEOUT_SECONDS", "0"),
        ("CHAT_NODE_LEASE_SECONDS", "0"),
        ("CHAT_DRAIN_SECONDS", "-1"),
        ("CHAT_HANDSHAKE_SECONDS", "0"),
        ("CHAT_COMMANDS_PER_SECOND", "-1"),
        ("CHAT_COMMANDS_BURST", "0"),
        ("CHAT_ACCOUNTS_PER_MINUTE", "-1"),
        ("CHAT_SOCKETS_PER_ADDRESS", "-1"),
        ("CHAT_SESSIONS_PER_ACCOUNT", "0"),
        ("CHAT_INBOX_LENGTH", "0"),
        ("CHAT_INBOX_LENGTH", "1000000001"),
        ("CHAT_GRACE_SECONDS", "1e300"),
        ("CHAT_POOLS", "0"),
        ("CHAT_POOLS", "1001"),
        ("CHAT_POOL_ACCOUNTS", "0"),
    ],
)
def test_what_is_out_of_range(name: str, text: str) -> None:
    """A limit that would stop the node from working, or is none, is refused when it starts."""
    with pytest.raises(SettingsError, match=f"^{name}: {text} is (below|above) "):
        config.read({name: text}, {})


def test_a_number_with_very_many_digits() -> None:
    """It is above the bound, and the line that says so is short."""
    with pytest.raises(SettingsError) as error:
        config.read({}, {"commands_burst": "9" * 400})
    assert str(error.value) == f"--commands-burst: {'9' * 40}… is above 1000000000"


@pytest.mark.parametrize("setting", config.SETTINGS, ids=lambda setting: setting.name)
def test_an_empty_value_in_the_environment_is_none(setting: "Field[Any]") -> None:
    """As if the name were not there."""
    assert config.read({f"CHAT_{setting.name.upper()}": ""}, {}) == Settings()


@pytest.mark.parametrize(
    "name", ["CHAT_COMMANDS_PER_SECOND", "CHAT_ACCOUNTS_PER_MINUTE", "CHAT_SOCKETS_PER_ADDRESS"]
)
def test_zero_is_no_limit(name: str) -> None:
    """0 is allowed where it means no limit."""
    assert getattr(config.read({name: "0"}, {}), name.removeprefix("CHAT_").lower()) == 0


@pytest.mark.parametrize(("interval", "limit"), [("60", "60"), ("61", "60")])
def test_a_ping_must_come_before_the_end(interval: str, limit: str) -> None:
    """A socket that is lost before it is pinged would be lost for nothing."""
    with pytest.raises(SettingsError, match="CHAT_PING_TIMEOUT_SECONDS must be longer"):
        config.read({ENV: interval, "CHAT_PING_TIMEOUT_SECONDS": limit}, {})


def test_times_that_contradict_each_other_are_named_as_they_were_given() -> None:
    """On the command line or in the environment; a default by both names."""
    with pytest.raises(SettingsError) as error:
        config.read({ENV: "9"}, {"ping_timeout_seconds": "5"})
    assert str(error.value) == f"--ping-timeout-seconds must be longer than {ENV}"
    with pytest.raises(
        SettingsError, match=r"^--redis-timeout-seconds must be shorter than "
    ) as error:
        config.read({}, {"redis_timeout_seconds": "99"})
    assert "--node-lease-seconds or CHAT_NODE_LEASE_SECONDS:" in str(error.value)


def test_the_variable_of_the_test_runner_is_no_misspelt_setting() -> None:
    """CONTRIBUTING.md tells to set it; only that very name is passed over."""
    assert config.unknown({"CHAT_VENV": "/x", "CHAT_VENV2": "/x"}) == ["CHAT_VENV2"]


def test_names_that_are_no_settings() -> None:
    """A misspelt limit is no limit, so it is told; other programs' names are not."""
    environment = {"CHAT_PROT": "1", "CHAT_PORT": "1", "PORT": "1", "CHAT_": "", "XCHAT_A": ""}
    assert config.unknown(environment) == ["CHAT_", "CHAT_PROT"]
