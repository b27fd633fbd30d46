"""The book: what it calls missing, twice and disordered, and what it does not."""

from chat.load.book import MOST_ENDED, MOST_UNDER_WAY, Book, Way

ADA, BOB = 1000, 2000


def opened(book: Book) -> Way:
    """What Ada says to Bob, in a session that both have opened."""
    said, _ = book.open(7000, ADA, BOB)
    _, heard = book.open(7000, BOB, ADA)
    assert said is heard
    return said


def verdict(book: Book) -> tuple[int, int, int]:
    book.close()
    return book.missing, book.twice, book.disordered


def confirmed(book: Book, way: Way, *numbers: int) -> None:
    for number in numbers:
        book.say(way, number, float(number))
        assert way.confirm(number) == float(number)


def test_all_is_well_when_each_arrives_once_in_order() -> None:
    """Before its confirmation or after it."""
    book = Book()
    way = opened(book)
    book.say(way, 1, 0.5)
    assert book.arrive(way, 1) == 0.5
    assert way.confirm(1) == 0.5
    confirmed(book, way, 2)
    assert book.under_way() == 1
    assert book.arrive(way, 2) == 2.0
    assert book.under_way() == 0
    assert verdict(book) == (0, 0, 0)


def test_confirmed_and_never_arrived_is_missing() -> None:
    """Also where later ones arrived."""
    book = Book()
    way = opened(book)
    confirmed(book, way, 1, 2, 3)
    book.arrive(way, 1)
    book.arrive(way, 3)
    assert verdict(book) == (1, 0, 0)


def test_what_was_not_confirmed_is_not_missing() -> None:
    """Refused, or without an answer."""
    book = Book()
    way = opened(book)
    for number in (1, 2):
        book.say(way, number, 0.0)
    way.refuse(1)
    assert book.unanswered() == 1
    assert verdict(book) == (0, 0, 0)


def test_arrived_again_is_twice() -> None:
    """As often as it came too often; so is what was refused and came all the same."""
    book = Book()
    way = opened(book)
    confirmed(book, way, 1)
    for _ in range(3):
        book.arrive(way, 1)
    book.say(way, 2, 0.0)
    way.refuse(2)
    book.arrive(way, 2)
    assert verdict(book) == (0, 3, 0)


def test_after_a_later_one_is_disordered_and_not_missing() -> None:
    """Each that came too late counts once."""
    book = Book()
    way = opened(book)
    confirmed(book, way, 1, 2, 3)
    for number in (3, 1, 2):
        book.arrive(way, number)
    assert verdict(book) == (0, 0, 2)


def test_a_repeat_may_arrive_once_and_no_more() -> None:
    """Whatever its answer was: nobody knows whether it had been done before."""
    book = Book()
    way = opened(book)
    book.say(way, 1, 0.0)
    way.repeat(1)
    way.refuse(1)
    assert book.arrive(way, 1) is not None
    assert book.arrive(way, 1) is None
    assert book.twice == 1


def test_a_repeat_that_had_arrived_may_not_arrive_again() -> None:
    """To know that is what its requestId is for."""
    book = Book()
    way = opened(book)
    book.say(way, 1, 0.0)
    book.arrive(way, 1)
    way.repeat(1)
    book.arrive(way, 1)
    assert book.twice == 1


def test_only_what_a_node_could_not_do_may_arrive_out_of_turn() -> None:
    """Code 2 for the first of two: it is done after the second. On a new socket the order is kept."""
    book = Book()
    way = opened(book)
    for number in (1, 2, 3):
        book.say(way, number, 0.0)
    way.repeat(1, out_of_turn=True)
    way.repeat(2)
    for number in (3, 1, 2):
        book.arrive(way, number)
    assert book.disordered == 1


def test_nothing_is_owed_to_somebody_who_is_gone() -> None:
    """Nor by them."""
    book = Book()
    confirmed(book, opened(book), 1, 2)
    book.void(7000)
    assert verdict(book) == (0, 0, 0)
    assert book.way(7000, ADA) is None


def test_a_session_that_has_ended_is_forgotten_when_all_has_arrived() -> None:
    """Not before."""
    book = Book()
    way = opened(book)
    confirmed(book, way, 1)
    book.end(7000)
    book.tidy()
    assert book.way(7000, ADA) is way
    book.arrive(way, 1)
    book.tidy()
    assert book.way(7000, ADA) is None


def test_it_does_not_grow_without_end() -> None:
    """What a node loses is counted as missing before the end, where there is too much of it."""
    book = Book()
    way = opened(book)
    confirmed(book, way, *range(1, MOST_UNDER_WAY + 11))
    assert (book.missing, len(way.unarrived)) == (10, MOST_UNDER_WAY)
    for session in range(10_000, 10_000 + MOST_ENDED + 5):
        said, _ = book.open(session, ADA, BOB)
        confirmed(book, said, 1)
        book.end(session)
    assert book.missing == 15


def test_a_session_of_three_is_strange() -> None:
    """Whoever mixes people up is told of."""
    book = Book()
    opened(book)
    book.open(7000, 3000, ADA)
    assert book.strange == 1
