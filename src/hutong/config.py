"""One settings object: environment over ``hutong.toml`` in the home over defaults. Every key is documented."""

from __future__ import annotations

import ipaddress
import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Final, TypeAlias

import msgspec

from hutong.core.errors import InvalidInput

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network
ROOT_HOME: Final = Path("/var/lib/hutong")
PORT_DEFAULT: Final = 8000
PORT_MAX: Final = 65535
#: What an agent takes who carries traffic from one platform to another: 35%.
AGENT_RATE_BPS_DEFAULT: Final = 3_500
RATE_BPS_MAX: Final = 10_000
FILE_NAME: Final = "hutong.toml"


class SettingKey(msgspec.Struct, frozen=True):
    """A key: its variable, its name in the file, and what it means."""

    variable: str
    name: str
    meaning: str


#: The whole list, for the reference page (tests/docs checks that it is complete there).
KEYS: Final = (
    SettingKey("HUTONG_HOME", "", "data directory; default /var/lib/hutong as root, else ~/.local/share/hutong"),
    SettingKey("HUTONG_DATABASE_URL", "database_url", "an external PostgreSQL ≥ 15; default: the embedded one"),
    SettingKey("HUTONG_HOST", "host", "address to listen on; default 127.0.0.1 (put a TLS proxy in front)"),
    SettingKey("HUTONG_PORT", "port", "port to listen on, 0 for a free one; default 8000"),
    SettingKey(
        "HUTONG_PUBLIC_URL", "public_url", "where buyers and platforms reach this hub; default from host and port"
    ),
    SettingKey(
        "HUTONG_SANDBOX_URL", "sandbox_url", "control address of a running sandbox; new merchants are connected"
    ),
    SettingKey(
        "HUTONG_AGENT_RATE_BPS",
        "agent_rate_bps",
        "what an agent would take of a sale, in hundredths of a per cent; beside channel cost; default 3500",
    ),
    SettingKey(
        "HUTONG_TRUSTED_PROXIES",
        "trusted_proxies",
        "addresses or networks of proxies in front, with commas; their X-Forwarded-For says who visits; default none",
    ),
    SettingKey("HUTONG_LOG_LEVEL", "log_level", "DEBUG, INFO, WARNING or ERROR; default INFO"),
    SettingKey("HUTONG_CRASH_POINTS", "", "only for the crash proof: record:FILE or kill:NUMBER"),
)


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """How this process runs."""

    home: Path
    database_url: str | None = None
    host: str = "127.0.0.1"
    port: int = PORT_DEFAULT
    public_url: str | None = None
    sandbox_url: str | None = None
    agent_rate_bps: int = AGENT_RATE_BPS_DEFAULT
    trusted_proxies: tuple[Network, ...] = ()
    log_level: str = "INFO"
    crash_points: str | None = None

    def __repr__(self) -> str:
        """Without the database password."""
        return f"Settings(home={self.home}, port={self.port})"


def default_home(environment: Mapping[str, str]) -> Path:
    """The data directory when none is named."""
    if os.geteuid() == 0:
        return ROOT_HOME
    base = environment.get("XDG_DATA_HOME") or str(Path(environment.get("HOME", "/")) / ".local" / "share")
    return Path(base) / "hutong"


def load_settings(environment: Mapping[str, str]) -> Settings:
    """Read environment and file.

    Raises:
        InvalidInput: a value cannot be used; the key is named.
    """
    home = Path(environment["HUTONG_HOME"]) if environment.get("HUTONG_HOME") else default_home(environment)
    values: dict[str, object] = {}
    file = home / FILE_NAME
    if file.is_file():
        try:
            values.update(tomllib.loads(file.read_text(encoding="utf-8")))
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise InvalidInput(field=str(file), problem=str(error)) from error
    known = {key.name for key in KEYS if key.name}
    unknown = sorted(set(values) - known)
    if unknown:
        raise InvalidInput(field=str(file), problem=", ".join(unknown))
    for key in KEYS:
        if key.name and environment.get(key.variable):
            values[key.name] = environment[key.variable]
    return Settings(
        home=home.expanduser().absolute(),
        database_url=_text(values, "database_url"),
        host=_text(values, "host") or "127.0.0.1",
        port=_whole(values.get("port", PORT_DEFAULT), "HUTONG_PORT", PORT_MAX),
        public_url=_text(values, "public_url"),
        sandbox_url=_text(values, "sandbox_url"),
        agent_rate_bps=_whole(
            values.get("agent_rate_bps", AGENT_RATE_BPS_DEFAULT), "HUTONG_AGENT_RATE_BPS", RATE_BPS_MAX
        ),
        trusted_proxies=_networks(values.get("trusted_proxies"), "HUTONG_TRUSTED_PROXIES"),
        log_level=(_text(values, "log_level") or "INFO").upper(),
        crash_points=environment.get("HUTONG_CRASH_POINTS") or None,
    )


def _text(values: Mapping[str, object], name: str) -> str | None:
    value = values.get(name)
    return str(value).rstrip("/") if value else None


def _networks(value: object, variable: str) -> tuple[Network, ...]:
    """Addresses and networks, as text with commas or, in the file, also as a list."""
    parts = value if isinstance(value, list) else str(value or "").split(",")
    try:
        return tuple(ipaddress.ip_network(str(part).strip()) for part in parts if str(part).strip())
    except ValueError:
        raise InvalidInput(field=variable, problem=str(value)) from None


def _whole(value: object, variable: str, highest: int) -> int:
    try:
        number = int(str(value))
    except ValueError:
        raise InvalidInput(field=variable, problem=str(value)) from None
    if not 0 <= number <= highest:
        raise InvalidInput(field=variable, problem=str(value))
    return number
