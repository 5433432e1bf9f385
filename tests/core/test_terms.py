import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncline.core.terms import Clause, Query, fold, marks, parse, passage, terms, words


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", []),
        ("Hello, World!", ["hello", "world"]),
        ("don't re-read a_b C++ 3.14", ["don", "t", "re", "read", "a", "b", "c", "3", "14"]),
        ("Über straße CAFÉ cafe\u0301", ["uber", "strasse", "cafe", "cafe"]),
        ("ﬁle ½ Ⅷ", ["file", "12", "viii"]),
        ("日本語 テスト", ["日", "本", "語", "テ", "ス", "ト"]),
        ("v2日本", ["v2", "日", "本"]),
        ("がく", ["が", "く"]),
        ("สวัสดี", ["ส", "วั", "ส", "ดี"]),
        ("हिन्दी", ["हिन्दी"]),
        ("한국어 검색", ["한국어", "검색"]),
        ("Ελλάδα Ёлка", ["ελλαδα", "елка"]),
        ("a…b—c“d”", ["a", "b", "c", "d"]),
        ("\ud83d half \x00nul", ["half", "nul"]),
        ("👍🏽 ok", ["ok"]),
        ("\u0301", []),
    ],
)
def test_a_text_is_known_by_its_folded_words(text: str, expected: list[str]) -> None:
    assert terms(text) == expected


def test_a_term_is_cut_where_no_word_is_that_long() -> None:
    assert terms("x" * 200 + " é" + "y" * 200) == ["x" * 64, "e" + "y" * 63]


@given(st.text())
def test_words_stand_where_they_say_and_fold_to_their_terms(text: str) -> None:
    found = list(words(text))
    for word in found:
        assert terms(text[word.start : word.end]) == [word.term]
    assert [word.start for word in found] == sorted(word.start for word in found)


@given(st.text())
def test_terms_hold_nothing_that_a_database_reads_as_syntax(text: str) -> None:
    for term in terms(text):
        assert not set(term) & set(" '\"\\&|!():*<>@-\x00")


@given(st.text())
def test_terms_are_those_of_their_own_join(text: str) -> None:
    held = terms(text)
    assert [fold(term) for term in terms(" ".join(held))] == [fold(term) for term in held]


def wanted(*words: str) -> tuple[Clause, ...]:
    return tuple(Clause(tuple(word.removesuffix("*").split()), prefix=word.endswith("*")) for word in words)


@pytest.mark.parametrize(
    ("text", "query"),
    [
        ("", Query()),
        ('  - " "" -"" * ', Query()),
        ("cat dog", Query(wanted("cat", "dog"))),
        ("planning cat", Query(wanted("planning", "planning*", "cat"))),
        ("ca* cat", Query(wanted("ca", "ca*", "cat"))),
        ('"the end" cat', Query(wanted("cat"), required=wanted("the end"))),
        ('cat -dog -"hot dog"', Query(wanted("cat"), excluded=wanted("dog", "hot dog"))),
        ("M-123", Query(wanted("m 123"))),
        ("well-known", Query(wanted("well known"))),
        ('open "quote', Query(wanted("open", "open*"), required=wanted("quote"))),
        ("cat CAT cät", Query(wanted("cat"))),
        ("日本", Query(wanted("日 本"))),
        ("NEAR(a b) AND NOT x OR y:z", Query(wanted("near a", "b", "and", "not", "x", "or", "y z"))),
    ],
)
def test_a_query_is_what_was_typed(text: str, query: Query) -> None:
    assert parse(text) == query


def test_a_query_has_an_end() -> None:
    assert len(parse(" ".join(f"w{n}" for n in range(500))).wanted) == 32


@pytest.mark.parametrize(
    ("text", "query", "expected"),
    [
        ("The Café is open", "cafe", ["Café"]),
        ("plan plans planet", "plan", ["plan", "plans", "planet"]),
        ("the end of the end", '"the end"', ["the", "end", "the", "end"]),
        ("the very end", '"the end"', []),
        ("a cat and a dog", "cat -dog", ["cat"]),
        ("東京都に", "東京", ["東", "京"]),
    ],
)
def test_marks_are_what_matched(text: str, query: str, expected: list[str]) -> None:
    assert [text[start:end] for start, end in marks(text, parse(query))] == expected


@given(st.text(), st.text(max_size=20))
def test_marks_are_in_order_and_never_overlap(text: str, query: str) -> None:
    flat = [place for pair in marks(text, parse(query)) for place in pair]
    assert flat == sorted(flat)


def test_a_passage_holds_the_most_of_what_was_found() -> None:
    text = "one " * 200 + "here and here and here " + "two " * 200 + "here"
    start, end = passage(text, marks(text, parse("here")), width=100)
    assert text[start:end].count("here") == 3
    assert end - start <= 100
    assert not text[start - 1].strip()


@given(st.text(), st.integers(1, 50))
def test_a_passage_is_a_part_of_the_text(text: str, width: int) -> None:
    start, end = passage(text, [(word.start, word.end) for word in words(text)], width=width)
    assert 0 <= start <= end <= len(text)
    assert end - start <= width or end - start == len(text)
    assert end > start or not text
