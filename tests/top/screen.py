"""What a terminal would show: as much of one as prompt_toolkit makes use of."""

import re

ESCAPE = re.compile(r"\x1b(?:\[([?0-9;]*)([A-Za-z])|\][^\x07]*\x07|[=>78c])")


class Screen:
    """``lines`` is what is to be seen; ``alternate`` whether that is the second screen, and ``cursor``
    whether there is one. ``written`` is all that came, as it came."""

    def __init__(self, columns: int, rows: int) -> None:
        self.alternate, self.cursor = False, True
        self.written = ""
        self._rest = ""
        self._row = self._column = 0
        self.resize(columns, rows)

    def resize(self, columns: int, rows: int) -> None:
        """Whatever draws is asked to draw anew."""
        self._columns, self._rows = columns, rows
        self._clear()

    @property
    def lines(self) -> list[str]:
        return ["".join(line).rstrip() for line in self._cells]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def feed(self, data: str) -> None:
        self.written += data
        data, self._rest = self._rest + data, ""
        while data:
            if data[0] == "\x1b":
                found = ESCAPE.match(data)
                if found is None:  # the rest comes with the next piece
                    assert len(data) < 100, f"not understood: {data!r}"
                    self._rest = data
                    return
                self._obey(found[1] or "", found[2] or "")
                data = data[found.end() :]
            else:
                self._put(data[0])
                data = data[1:]

    def _put(self, char: str) -> None:
        if char == "\r":
            self._column = 0
        elif char == "\n":
            self._row = min(self._row + 1, self._rows - 1)
        elif char == "\b":
            self._column = max(self._column - 1, 0)
        elif char >= " ":
            self._cells[self._row][min(self._column, self._columns - 1)] = char
            self._column += 1

    def _obey(self, said: str, command: str) -> None:
        number = int(said) if said.isdecimal() else 1
        match command:
            case "A":
                self._row = max(self._row - number, 0)
            case "B":
                self._row = min(self._row + number, self._rows - 1)
            case "C":
                self._column = min(self._column + number, self._columns - 1)
            case "D":
                self._column = max(min(self._column, self._columns - 1) - number, 0)
            case "H":
                row, _, column = said.partition(";")
                self._row, self._column = int(row or 1) - 1, int(column or 1) - 1
            case "J":
                first = self._row + 1 if said in ("", "0") else 0
                self._cells[first:] = [self._blank() for _ in range(first, self._rows)]
                if first != 0:
                    self._erase_line()
            case "K":
                self._erase_line()
            case "h" | "l":
                self._mode(said, command == "h")

    def _mode(self, said: str, on: bool) -> None:
        if said == "?1049":
            self.alternate = on
            self._clear()
        elif said == "?25":
            self.cursor = on

    def _erase_line(self) -> None:
        line = self._cells[self._row]
        line[self._column :] = " " * (self._columns - self._column)

    def _blank(self) -> list[str]:
        return [" "] * self._columns

    def _clear(self) -> None:
        self._cells = [self._blank() for _ in range(self._rows)]
        self._row = self._column = 0
