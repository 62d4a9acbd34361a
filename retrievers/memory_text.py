"""BM25 as the books have it, over records in memory: the oracle of `lance_text`. For tests, never a default.

score(d, q) = sum over the words w of q: idf(w) tf (k1 + 1) / (tf + k1 (1 - b + b |d| / avgdl)),
idf(w) = ln(1 + (N - df + .5) / (df + .5)), k1 = 1.2, b = .75 (Robertson and Zaragoza, 2009; the idf is Lucene's). N
counts the documents that have a word at all.
"""

from __future__ import annotations

import math
import unicodedata
from collections import Counter
from collections.abc import Sequence

import snowballstemmer

from retrievers.documents import LONGEST_WORD, document_of, query_words, words_of
from thresher.types import ImageRecord

_K1, _B = 1.2, 0.75

_STEMMER = snowballstemmer.stemmer("english")


def bm25(
    text: str, records: Sequence[ImageRecord], corpus: Sequence[ImageRecord], every: bool = False
) -> list[tuple[ImageRecord, float]]:
    """Those of `records` with a word of `text`, or `every` one, best first, then by id; weighed by all of `corpus`."""
    documents = {record.id: Counter(_terms(words_of(document_of(record)))) for record in corpus}
    lengths = {key: sum(terms.values()) for key, terms in documents.items()}
    there = [key for key, length in lengths.items() if length]
    average = sum(lengths.values()) / max(1, len(there))
    scores = dict.fromkeys((record.id for record in records), 0.0)
    words = list(dict.fromkeys(_terms(query_words(text))))
    for word in words:
        df = sum(word in documents[key] for key in there)
        idf = math.log(1 + (len(there) - df + 0.5) / (df + 0.5))
        for key in scores:
            tf = documents[key][word]
            scores[key] += idf * tf * (_K1 + 1) / (tf + _K1 * (1 - _B + _B * lengths[key] / average)) if tf else 0.0
    found = [(record, scores[record.id]) for record in records if scores[record.id] > 0]
    if every:
        found = [pair for pair in found if all(documents[pair[0].id][word] for word in words)]
    return sorted(found, key=lambda pair: (-pair[1], pair[0].id))


def _terms(words: Sequence[str]) -> list[str]:
    folded = (unicodedata.normalize("NFKD", word.lower()) for word in words if len(word) <= LONGEST_WORD)
    stemmed: list[str] = _STEMMER.stemWords(
        ["".join(letter for letter in word if not unicodedata.combining(letter)) for word in folded]
    )
    return stemmed
