"""File descriptors: a socket is one, and a process may have only so many."""

from chat.load.hints import LoadFailed

OTHERS = 64
"""Files and sockets that are no people's; and those of people that are closing while others open."""


def provide_files(people: int) -> None:
    """Raises the soft limit as far as needed. Raises LoadFailed where the hard limit is too low."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return
    needed = people + OTHERS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= needed:
        return
    if hard != resource.RLIM_INFINITY and hard < needed:
        raise LoadFailed(
            f"{people} people need {needed} file descriptors, and this process may have {hard}:"
            " raise the limit (ulimit -Hn), or ask for fewer --pairs"
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))
