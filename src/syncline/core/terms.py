"""Terms: what a text is known by in the search index, and what a query asks for.

Both databases are given the same terms, so that they find the same. A term is a run of letters, digits and marks, folded: case,
compatibility forms and the accents of European scripts are gone (https://www.unicode.org/reports/tr15/). Scripts that
put no space between words (Chinese, Japanese, Thai and their neighbours) have a term for each character; a word of
a query in them is a phrase.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

__all__ = ["Clause", "Query", "Word", "fold", "marks", "parse", "passage", "terms", "words"]

_LONGEST = 64
"""Characters of a term that count; longer runs are keys and addresses."""

_STEM = 4
"""From so many characters on a word of a query also matches longer words that begin with it."""

_MOST = 32
"""Clauses of a query that count; a question has fewer words, and a pasted page is no question."""

_RUN = re.compile(r"[^\x00-\x2f\x3a-\x40\x5b-\x60\x7b-\x7f\s]+")
_ACCENTS = re.compile("[\u0300-\u036f]")
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u2e80-\u2fdf\u3005\u3007\u3021-\u3029\u3040-\u30ff\u31f0-\u31ff"
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uff9f\U00020000-\U0003ffff]"
)


@dataclass(frozen=True, slots=True)
class Word:
    """A term and where it stands in the text: ``text[start:end]`` was folded to it."""

    term: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Clause:
    """Terms that stand next to each other, in this order; with `prefix` the last one is only the beginning of a word."""

    terms: tuple[str, ...]
    prefix: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: at least one of `wanted` or all of `required`, and none of `excluded`."""

    wanted: tuple[Clause, ...] = ()
    required: tuple[Clause, ...] = ()
    excluded: tuple[Clause, ...] = ()

    @property
    def empty(self) -> bool:
        """Whether nothing can match."""
        return not self.wanted and not self.required

    @property
    def scoring(self) -> tuple[Clause, ...]:
        """The clauses that count for the rank."""
        return self.required + self.wanted


def fold(text: str) -> str:
    """`text` without case, compatibility forms and European accents."""
    if text.isascii():
        return text.lower()
    bare = _ACCENTS.sub("", unicodedata.normalize("NFKD", text.casefold()))
    return unicodedata.normalize("NFC", bare.casefold())


def words(text: str) -> Iterator[Word]:
    """The words of a text in order."""
    for run in _RUN.finditer(text):
        if run[0].isascii():
            yield Word(run[0].lower()[:_LONGEST], *run.span())
        else:
            yield from _split(run[0], run.start())


def terms(text: str) -> list[str]:
    """The terms of a text in order."""
    return [word.term for word in words(text)]


def _split(run: str, offset: int) -> Iterator[Word]:
    """The words of a run with characters beyond ASCII."""
    for found in _WORD.finditer("".join(map(_kind, run))):
        start, end = found.span()
        term = "".join(letter for letter in fold(run[start:end]) if _kind(letter) != _OTHER)[:_LONGEST]
        if term:
            yield Word(term, offset + start, offset + end)


_LETTER, _MARK, _ALONE, _OTHER = "LMA."
_WORD = re.compile("AM*|[LM]+")


@lru_cache(maxsize=4096)
def _kind(character: str) -> str:
    category = unicodedata.category(character)[0]
    if category == "M":
        return _MARK
    if category not in "LN":
        return _OTHER
    return _ALONE if _UNSPACED.match(character) else _LETTER


def parse(text: str) -> Query:
    """What a text typed by a person asks for; any text is a query.

    Words are wanted, the more of them the better. ``"several words"`` in double quotes must stand there like this, ``-word``
    must not, ``begin*`` is the beginning of a word.
    """
    wanted: list[Clause] = []
    required: list[Clause] = []
    excluded: list[Clause] = []
    for negated, phrase, sign, word in _PART.findall(text):
        exact = Clause(tuple(terms(phrase or word)))
        if negated or sign:
            excluded.append(exact)
        elif phrase:
            required.append(exact)
        else:
            wanted += [exact, *_longer(exact, word)]
    return Query(_counted(wanted), _counted(required), _counted(excluded))


_PART = re.compile(r"""(-?)"([^"]*)"?|(-?)([^\s"]+)""")


def _longer(exact: Clause, word: str) -> list[Clause]:
    """The clause for the words that begin with a word that was asked for."""
    stem = len(exact.terms) == 1 and len(exact.terms[0]) >= _STEM
    return [replace(exact, prefix=True)] if stem or word.endswith("*") else []


def _counted(clauses: Sequence[Clause]) -> tuple[Clause, ...]:
    return tuple(dict.fromkeys(clause for clause in clauses if clause.terms))[:_MOST]


def marks(text: str, query: Query) -> list[tuple[int, int]]:
    """Where in `text` the clauses of the query stand, as (start, end) in order; none overlaps another."""
    found = list(words(text))
    hit: set[int] = set()
    for clause in query.scoring:
        for index in range(len(found) - len(clause.terms) + 1):
            if _stands(clause, found[index : index + len(clause.terms)]):
                hit.update(range(index, index + len(clause.terms)))
    return [(found[index].start, found[index].end) for index in sorted(hit)]


def _stands(clause: Clause, found: Sequence[Word]) -> bool:
    *first, last = (word.term for word in found)
    same = tuple(first) == clause.terms[:-1]
    return same and (last.startswith(clause.terms[-1]) if clause.prefix else last == clause.terms[-1])


def passage(text: str, found: Sequence[tuple[int, int]], *, width: int) -> tuple[int, int]:
    """The part of `text` to show, as (start, end): about `width` characters that hold the most of what was `found`."""
    if len(text) <= width:
        return 0, len(text)
    best = max(
        (start for start, _ in found),
        key=lambda start: sum(start <= first and last <= start + width // 2 for first, last in found),
        default=0,
    )
    start = max(0, min(best - width // 4, len(text) - width))
    space = text.find(" ", start, best) if start else -1
    start = space + 1 if space >= 0 else start
    end = min(len(text), start + width)
    space = text.rfind(" ", start, end) if end < len(text) else -1
    return start, space if space > best else end
