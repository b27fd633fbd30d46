"""Parts of documents that are made from figures: what stands between two marks is written anew."""


def with_block(document: str, begin: str, said: str, end: str) -> str:
    """The document with something else between its two marks. Raises ValueError where it lacks them."""
    before, found, rest = document.partition(begin)
    _, closed, after = rest.partition(end)
    if not (found and closed):
        raise ValueError(f"the document has no place for it: {begin.strip()}")
    return f"{before}{begin}{said}{end}{after}"


def block_of(document: str, begin: str, end: str) -> str:
    """What stands between its two marks now."""
    return document.partition(begin)[2].partition(end)[0]
