"""One page being read: which answers are still missing, and what the whole comes to. No I/O.

A page is a tree of containers. Each container is read by one or more answers, in order; what an answer
shows to have children becomes a container too. The page is complete when nothing is pending.
"""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from syncline.core.errors import Retry
from syncline.core.hash import digest_many
from syncline.core.model import DocumentState, Fidelity, Unread
from syncline.engine.patch import Patch
from syncline.sources.base import Content, Key
from syncline.store.documents import NewDocument, StagedList

__all__ = ["Reading", "Step"]


@dataclass(frozen=True, slots=True)
class Step:
    """One answer to be read: the `ordinal`-th about the children of `container`, from `cursor` on.

    `size` is how many blocks to ask for, None for as many as come at once.
    """

    container: str
    ordinal: int = 0
    cursor: str | None = None
    size: int | None = None


@dataclass(slots=True)
class Reading:
    """The state of one page's read. `read_at` is the source's time when it began."""

    page: str
    generation: int
    fidelity: Fidelity
    edited_at: datetime | None
    read_at: datetime
    pending: set[Step] = field(default_factory=set)
    digests: dict[str, list[str]] = field(default_factory=dict)
    pieces: dict[str, str] = field(default_factory=dict)
    children: dict[Key, None] = field(default_factory=dict)
    unread: list[Unread] = field(default_factory=list)
    cursors: set[tuple[str, str]] = field(default_factory=set)
    """The container and cursor of every answer that was not the last."""
    closed: bool = False
    """Whether it has come to its end, good or bad; answers that arrive later are dropped."""
    patch: Patch | None = None
    """What stands of the content that is held, where only parts are read again."""
    standing: list[StagedList] = field(default_factory=list)
    """The lists taken over from there, as lists of this reading; whoever stages them empties it."""

    def begin(self) -> Step:
        """The first step of a page of which nothing was read."""
        step = Step(self.page)
        self.pending.add(step)
        return step

    def mend(self, patch: Patch) -> list[Step]:
        """Begin with what stands of the content that is held; the steps that are missing."""
        self.patch = patch
        return self._supplied([self.begin()])

    def add(self, step: Step, content: Content) -> list[Step]:
        """Take in the answer to `step`; the steps that follow from it.

        Raises Retry if the listing goes in circles.
        """
        steps = self._add(step, content)
        if self.patch is None:
            return steps
        self.patch.saw(content.blocks)
        return self._supplied(steps)

    def _add(self, step: Step, content: Content) -> list[Step]:
        self.pending.discard(step)
        self.children.update(dict.fromkeys(content.children))
        self.digests.setdefault(step.container, []).extend(content.digests)
        if content.markdown is not None:
            self.pieces[step.container] = content.markdown
        if content.cut is not None:
            self.unread.append(Unread(step.container, 0, "truncated", content.cut))
        steps = [Step(container) for container in content.containers if self._is_new(container)]
        if content.cursor is not None:
            self._guard(step.container, content.cursor)
            steps.append(Step(step.container, step.ordinal + 1, content.cursor))
        self.pending.update(steps)
        return steps

    def _supplied(self, steps: Iterable[Step]) -> list[Step]:
        """Answer what the patch can; the steps that are left."""
        patch, left, waiting = self.patch, [], deque(steps)
        assert patch is not None
        while waiting:
            step = waiting.popleft()
            one = patch.take(step.container, step.cursor)
            if one is not None:
                one = replace(one, generation=self.generation, ordinal=step.ordinal)
                self.standing.append(one)
                waiting.extend(self._add(step, patch.parse(one)))
                continue
            self.pending.discard(step)
            sized = replace(step, size=patch.size(step.container, step.cursor))
            self.pending.add(sized)
            left.append(sized)
        return left

    def _is_new(self, container: str) -> bool:
        # A synced copy of an ancestor would otherwise make the page endless.
        return container not in self.digests and all(step.container != container for step in self.pending)

    def _guard(self, container: str, cursor: str) -> None:
        if (container, cursor) in self.cursors:
            raise Retry(f"the listing of page {self.page} repeats its cursor; it would never end")
        self.cursors.add((container, cursor))

    def refuse(self, step: Step, unread: Unread) -> None:
        """Record that Notion refuses the children of a block for good."""
        self.pending.discard(step)
        self.digests.setdefault(step.container, [])
        self.unread.append(unread)

    def resume(self, staged: Iterable[StagedList], parse: Callable[[StagedList], Content]) -> list[Step]:
        """Take in the answers that were staged before the process died; the steps that are missing."""
        first = self.begin()
        waiting: dict[tuple[str, int], Step] = {(first.container, 0): first}
        # An answer is taken in after the one that led to it, whatever their order in the store.
        held = {(one.container, one.ordinal): one for one in staged}
        while ready := [key for key in waiting if key in held]:
            for key in ready:
                one = held.pop(key)
                for step in self.add(waiting.pop(key), parse(one)):
                    waiting[step.container, step.ordinal] = step
        return list(waiting.values())

    @property
    def complete(self) -> bool:
        """Whether nothing is pending."""
        return not self.pending

    def document(self, join: Callable[[str, Mapping[str, str]], str]) -> NewDocument:
        """The whole, ready to be promoted. The hash does not depend on how the answers were cut."""
        return NewDocument(
            page=self.page,
            generation=self.generation,
            fidelity=self.fidelity,
            hash=self._hash(),
            state=DocumentState.MARKED if self.unread else DocumentState.COMPLETE,
            markdown=join(self.page, self.pieces) if self.fidelity is Fidelity.MARKDOWN else None,
            unread=tuple(sorted(self.unread, key=lambda unread: unread.block)),
            edited_at=self.edited_at,
            read_at=self.read_at,
        )

    def _hash(self) -> str:
        parts = (f"{container}:{digest_many(self.digests[container])}" for container in sorted(self.digests))
        refused = sorted(f"{unread.block}:{unread.code}" for unread in self.unread)
        return digest_many([*parts, *refused])
