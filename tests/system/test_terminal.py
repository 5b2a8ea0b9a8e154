"""Narrow tables: never wider than asked, and nothing is lost."""

from hypothesis import given
from hypothesis import strategies as st

from aurl.system.terminal import narrow_table

WORDS = st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1, max_size=60)
CELLS = st.lists(WORDS, min_size=1, max_size=4).map(" ".join)


@given(st.integers(1, 8).flatmap(lambda n: st.lists(st.lists(CELLS, min_size=n, max_size=n), min_size=1, max_size=5)))
def test_every_table_fits_and_keeps_every_letter(rows: list[list[str]]) -> None:
    head, *body = rows
    text = narrow_table(head, body)
    assert max(map(len, text.splitlines())) <= 80
    letters = sorted(letter for letter in text if not letter.isspace() and letter != "-")
    assert letters == sorted(letter for row in rows for cell in row for letter in cell if not letter.isspace())


def test_a_table_that_fits_is_not_broken() -> None:
    assert narrow_table(["Method", "UCF top-1"], [["AURL", "44.4 ± 0.3"], ["Base w/ L_S", ""]]).splitlines() == [
        "Method        UCF top-1",
        "-----------  ----------",
        "AURL         44.4 ± 0.3",
        "Base w/ L_S",
    ]
