"""Saying that there is no answer: in scopes of a fixed size, a third of the questions have none there.

Protocol. A scope is `size` photographs drawn at random. Six questions in turn, of five forms, every third of each
without an answer:

- two_hop (twice), "For the photo with the dog, is there a cup?", objects, "How many cups are there in the photo with
  the dog?", and find, "Show me the photo with the dog", take it for granted that there is such a photograph. They have
  an answer where exactly one photograph of the scope shows the first category, and none where no photograph does. The
  category is drawn uniformly from those for which the set allows both, the same for both; the second category is one
  that the photograph shows (half of the time), or one that another photograph shows: what is asked about is plausible.
- exists, "Is there a photo of a dog?", and count, "How many photos show a dog?", take nothing for granted: "no" and 0
  are answers, true ones where no photograph shows it. They are without an answer where they ask about a word that
  names nothing which a photograph could show: one that does not exist, or an abstract noun (`WORDS`).

Abstaining is to give no value, for whatever reason, and for find to show no photograph: "no photo shows a dog" denies
what was taken for granted. Positive is "there is no answer": precision is how many of the abstentions were of questions
without an answer, recall how many of these were abstained from. `right` is how many of the given answers are true, of
the questions that have one: the value, for find the first photograph shown; objects and count exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from functools import partial

import numpy as np

from evaluation.asking import ask_once
from evaluation.coco import LabelledPhotographs
from evaluation.confusion import Told, confusion_row
from evaluation.labels import Scene
from evaluation.phrases import plural, with_article
from evaluation.scopes import draw_scope, photos, refuse_one_category, scope_filter
from evaluation.suite import Question, Record, Row, Suite, mean_rows
from thresher.client import Client
from thresher.errors import InvalidInput
from thresher.records import Reply
from thresher.types import AskOptions, Grounding, ImageId, Wording

WORDS = (
    "wug", "blicket", "dax", "toma", "fep", "gorp", "zorple", "quimbly", "snarf", "glorb", "tulver", "mipple",
    "entropy", "grammar", "inflation", "nostalgia", "sincerity", "theorem", "justice", "syntax", "irony", "patience",
    "algebra", "destiny",
)  # fmt: skip
"""The first half are no words (several are those of studies with children), the others are abstract nouns."""


class Form(StrEnum):
    """What is asked."""

    TWO_HOP = "two_hop"
    OBJECTS = "objects"
    FIND = "find"
    EXISTS = "exists"
    COUNT = "count"


TURNS = (Form.TWO_HOP, Form.FIND, Form.TWO_HOP, Form.OBJECTS, Form.EXISTS, Form.COUNT)
FIGURES = ("precision", "recall", "f1")
WITHOUT = 3
"""Every so many-th question of each turn has no answer."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`size` photographs in a scope."""

    size: int = 100
    questions: int = 540
    seed: int = 7


@dataclass(frozen=True, slots=True)
class Asked:
    """`truth` is the true value, for find the photograph; None: there is no answer. `scope` are rows of the labels.

    `cluster` is the photograph that the question is about, else its scope.
    """

    form: Form
    question: str
    scope: tuple[int, ...]
    truth: bool | int | ImageId | None
    cluster: str


def suite(photographs: LabelledPhotographs, scenes: Sequence[Scene], settings: Settings) -> Suite:
    """`scenes` belong to `photographs`. `InvalidInput` where these fill no scope that is without some category."""
    refuse_one_category(photographs)
    return Suite(
        name="abstention",
        title=f"abstention, scopes of {settings.size} of {len(photographs.ids)} photographs, seed {settings.seed}",
        settings={**asdict(settings), "labels": photographs.digest},
        photographs=photos(photographs),
        ids=photographs.ids,
        questions=tuple(
            Question(f"{asked.form.value}/{number}", asked.form.value, partial(_ask, photographs, asked))
            for number, asked in enumerate(draw(photographs, scenes, settings))
        ),
        rows=rows,
    )


def draw(photographs: LabelledPhotographs, scenes: Sequence[Scene], settings: Settings) -> list[Asked]:
    """All questions. Pure and seeded."""
    drawing = _Drawing(photographs, scenes, settings)
    forms: dict[Form, Callable[[bool], Asked]] = {
        Form.TWO_HOP: drawing.two_hop,
        Form.OBJECTS: drawing.objects,
        Form.FIND: drawing.find,
        Form.EXISTS: lambda answerable: drawing.anywhere(Form.EXISTS, answerable),
        Form.COUNT: lambda answerable: drawing.anywhere(Form.COUNT, answerable),
    }
    return [
        forms[TURNS[number % len(TURNS)]](number // len(TURNS) % WITHOUT != WITHOUT - 1)
        for number in range(settings.questions)
    ]


class _Drawing:
    def __init__(self, photographs: LabelledPhotographs, scenes: Sequence[Scene], settings: Settings) -> None:
        self.photographs, self.scenes, self.size = photographs, scenes, settings.size
        self.presence = photographs.presence
        self.random = np.random.default_rng(settings.seed)
        self.shown = np.flatnonzero(self.presence.any(0))
        self.singular = [x for x in self.shown.tolist() if (~self.presence[:, x]).sum() >= settings.size]
        if not self.singular:
            raise InvalidInput(
                f"Every category is in so many of the {len(scenes)} photographs that none fills a scope of "
                f"{settings.size} without it.",
                "Ask for smaller scopes, or give more photographs.",
            )
        self.words = self.scopes = 0

    def two_hop(self, answerable: bool) -> Asked:
        x, needle, scope = self._singular(answerable)
        y = self._second(x, needle)
        question = f"For the photo with the {self._name(x)}, is there {with_article(self._name(y))}?"
        return self._asked(Form.TWO_HOP, question, scope, needle, lambda row: bool(self.presence[row, y]))

    def objects(self, answerable: bool) -> Asked:
        x, needle, scope = self._singular(answerable)
        y = self._second(x, needle, countable=True)
        question = f"How many {plural(self._name(y))} are there in the photo with the {self._name(x)}?"
        return self._asked(Form.OBJECTS, question, scope, needle, lambda row: self.scenes[row].count(y) or 0)

    def find(self, answerable: bool) -> Asked:
        x, needle, scope = self._singular(answerable)
        question = f"Show me the photo with the {self._name(x)}"
        return self._asked(Form.FIND, question, scope, needle, lambda row: self.photographs.ids[row])

    def anywhere(self, form: Form, answerable: bool) -> Asked:
        scope = draw_scope(self.random, np.ones(len(self.scenes), bool), self.size)
        truth: bool | int | None = None
        if answerable:
            x = int(self.random.choice(self.shown))
            noun, number = self._name(x), int(self.presence[list(scope), x].sum())
            truth = number if form is Form.COUNT else number > 0
        else:
            noun = WORDS[self.words % len(WORDS)]
            self.words += 1
        said = "How many photos show" if form is Form.COUNT else "Is there a photo of"
        return Asked(form, f"{said} {with_article(noun)}?", scope, truth, self._next_scope())

    def _asked(
        self,
        form: Form,
        question: str,
        scope: tuple[int, ...],
        needle: int | None,
        truth: Callable[[int], bool | int | ImageId],
    ) -> Asked:
        if needle is None:
            return Asked(form, question, scope, None, self._next_scope())
        return Asked(form, question, scope, truth(needle), self.photographs.ids[needle])

    def _next_scope(self) -> str:
        """The cluster of a question that is about a whole scope."""
        self.scopes += 1
        return f"scope {self.scopes}"

    def _singular(self, answerable: bool) -> tuple[int, int | None, tuple[int, ...]]:
        """A category, the only photograph of the scope that shows it (None: there is none), and the scope."""
        x = int(self.random.choice(self.singular))
        without = ~self.presence[:, x]
        if not answerable:
            return x, None, draw_scope(self.random, without, self.size)
        needle = int(self.random.choice(np.flatnonzero(~without)))
        return x, needle, draw_scope(self.random, without, self.size, (needle,))

    def _second(self, x: int, needle: int | None, countable: bool = False) -> int:
        """A category that is asked about: the photograph's own half of the time, else one of another photograph."""
        everything = [y for y in self.shown.tolist() if y != x]
        own = [y for y in everything if needle is not None and self.presence[needle, y]]
        if countable and needle is not None:
            own = [y for y in own if self.scenes[needle].count(y) is not None]
        if own and self.random.random() < 0.5:
            return int(self.random.choice(own))
        other = int(self.random.integers(len(self.scenes)))
        seen = [y for y in everything if self.presence[other, y] and (needle is None or not self.presence[needle, y])]
        missing = [y for y in everything if needle is None or not self.presence[needle, y]]
        return int(self.random.choice(seen or missing or own or everything))

    def _name(self, category: int) -> str:
        return self.photographs.categories[category]


async def _ask(photographs: LabelledPhotographs, asked: Asked, client: Client, collection: str) -> Record:
    options = AskOptions(
        wording=Wording.NONE, ground=Grounding.NONE, max_evidence=0, scope=scope_filter(photographs, asked.scope)
    )
    timed = await ask_once(client, collection, asked.question, options)
    value = answer(asked.form, timed.reply)
    answerable = asked.truth is not None
    return {
        "row": {"form": asked.form.value},
        "cluster": asked.cluster,
        "question": asked.question,
        "truth": asked.truth,
        "value": value,
        "abstention": timed.reply.verdict.abstention.value,
        "scores": {
            "as_it_should": (value is not None) == answerable,
            "answered": value is not None if answerable else None,
            "right": value == asked.truth if answerable and value is not None else None,
            "seconds": timed.seconds,
        },
    }


def answer(form: Form, reply: Reply) -> bool | int | ImageId | None:
    """What a reply says; None where it abstains."""
    verdict = reply.verdict
    if form is Form.FIND:
        return verdict.images[0] if verdict.images and not verdict.abstained else None
    wanted = bool if form in (Form.TWO_HOP, Form.EXISTS) else int
    return verdict.value if type(verdict.value) is wanted else None


def rows(records: Sequence[Record]) -> list[Row]:
    """All questions, then each form: how many have no answer, precision, recall and F1 of abstaining, how many of the
    others are answered, and how many of those answers are right."""
    named, found = by_row(records), []
    for row in mean_rows(named):
        own = [record for record in named if record["row"] == {"form": row["form"]}]
        told = list(map(told_of, own))
        head = {"form": row.pop("form"), "questions": row.pop("questions")}
        without = sum(one.truth for one in told)
        found.append({**head, "without_answer": without, **confusion_row(told, FIGURES), **row})
    return found


def by_row(records: Sequence[Record]) -> list[Record]:
    """Each record once for each row of the table that it counts for."""
    forms = dict.fromkeys(record["row"]["form"] for record in records)
    return [{**record, "row": {"form": "all"}} for record in records] + [
        record for form in forms for record in records if record["row"]["form"] == form
    ]


def told_of(record: Record) -> Told:
    """Whether there is no answer, and whether the server said so."""
    return Told(record["truth"] is None, record["value"] is None, record["cluster"])
