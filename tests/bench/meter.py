"""What a process costs, and on which core it runs."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

LINUX = sys.platform == "linux"
SCHEDULED = 2
"""CPUCLOCK_SCHED: the kind of clock that clock_getcpuclockid(3) names."""


def cpu_ns(pid: int) -> int:
    """CPU time of another process so far, in ns: all of its threads, also those that have ended."""
    if LINUX:  # the only place where one process may read the clock of another
        return time.clock_gettime_ns((~pid << 3) | SCHEDULED)
    return int(seconds_of(_ps(pid, "time")) * 1e9)


def all_cpu_ns() -> int | None:
    """CPU time that everything on this machine has used so far, in ns, where that can be seen."""
    if not LINUX:
        return None
    ticks = [int(field) for field in Path("/proc/stat").read_text().split(None, 9)[1:9]]
    idle, waiting = ticks[3:5]
    return (sum(ticks) - idle - waiting) * (1_000_000_000 // os.sysconf("SC_CLK_TCK"))


def waited_ns(pid: int) -> int:
    """For how long so far a process could have run and got no core, in ns; 0 where that cannot be seen."""
    file = Path(f"/proc/{pid}/schedstat")
    return int(file.read_text().split()[1]) if LINUX and file.exists() else 0


def loopback_bytes() -> int | None:
    """What this machine has said to itself so far, headers and all, where that can be seen."""
    if not LINUX:
        return None
    devices = Path("/proc/net/dev").read_text().splitlines()
    return next((int(line.split()[1]) for line in devices if line.strip().startswith("lo:")), None)


def rss_bytes(pid: int) -> int:
    """Memory that a process occupies now, in bytes."""
    if LINUX:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return int(_ps(pid, "rss")) * 1024


def _ps(pid: int, what: str) -> str:
    shown = subprocess.run(
        ["ps", "-o", f"{what}=", "-p", str(pid)], capture_output=True, text=True, check=True
    )
    return shown.stdout.strip()


def seconds_of(clock: str) -> float:
    """The seconds of ``[[days-]hours:]minutes:seconds``."""
    days, _, rest = clock.rpartition("-")
    seconds = 0.0
    for part in rest.split(":"):
        seconds = seconds * 60 + float(part)
    return seconds + int(days or 0) * 86_400


@dataclass(frozen=True)
class Cores:
    """Which core each part has to itself, or None where they cannot be told apart."""

    nodes: int | None = None
    redis: int | None = None
    driver: int | None = None

    @classmethod
    def here(cls) -> "Cores":
        """All nodes on one core; Redis and the driver on another, or on two where there are three."""
        if not LINUX:
            return cls()
        free = sorted(os.sched_getaffinity(0))
        if len(free) < 2:
            return cls()
        return cls(free[0], free[1], free[2] if len(free) > 2 else free[1])

    @property
    def note(self) -> str:
        """For the one who reads the figures."""
        if self.nodes is None:
            return "not pinned (one core, or not Linux): times and rates are rough"
        return f"nodes on core {self.nodes}, Redis on {self.redis}, the driver on {self.driver}"


@contextmanager
def on_core(core: int | None) -> Iterator[None]:
    """This process, and what it starts meanwhile, run on that core alone."""
    if core is None or not LINUX:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
