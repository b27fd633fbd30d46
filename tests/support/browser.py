"""Which browser there is."""

import shutil


def chromium() -> str | None:
    """Where it is: Debian's, or one of another name."""
    names = ("chromium", "chromium-browser", "google-chrome", "chrome")
    return next((path for name in names if (path := shutil.which(name))), None)
