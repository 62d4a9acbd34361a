"""Full-text search over a Lance table: BM25 by LanceDB's own inverted index.

The index is made with the table and grows when fragments are merged; rows that are not in it yet are searched, too,
with the document frequencies among themselves, so that their scores differ a little until then. Words are stemmed
(English, Snowball), folded to ASCII and lower case. Stop words are indexed: on a sign they are what it says.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lancedb.index import FTS
from lancedb.query import FullTextOperator as Operator
from lancedb.query import MatchQuery

from retrievers.documents import LONGEST_WORD, query_words
from retrievers.filters import ID_CHUNK, both, ids_sql, where_sql
from retrievers.lance_scope import records_of_ids
from retrievers.lance_table import LanceTable
from thresher.types import Filter, Hit

COLUMN = "document"

_INDEX = FTS(
    base_tokenizer="simple", language="English", max_token_length=LONGEST_WORD + 1, stem=True, remove_stop_words=False
)


async def index_documents(table: Any) -> None:
    """Make the index of a new, empty table."""
    await table.create_index(COLUMN, config=_INDEX)


async def search_text(table: LanceTable, text: str, where: Filter, limit: int, every: bool = False) -> Sequence[Hit]:
    """See `ImageStore.search_text`."""
    words = query_words(text)
    ids = None if where.ids is None else set(where.ids)
    if not words or limit <= 0 or ids == set():
        return []
    sql = where_sql(where)
    few = ids is not None and len(ids) <= ID_CHUNK
    if few:
        sql = both(sql, ids_sql(ids or ()))
    async with table.reading("search text"):
        # Among many ids, everything with one of the words is asked for: ids and scores are small.
        most = limit if ids is None or few else max(1, len(table.cache.slots))
        query = (
            table.table.query()
            .nearest_to_text(MatchQuery(" ".join(words), COLUMN, operator=Operator.AND if every else Operator.OR))
            .limit(most)
        )
        found = await (query.where(sql) if sql else query).select(["id", "_score"]).to_arrow()
        pairs = zip(found.column("id").to_pylist(), found.column("_score").to_pylist(), strict=True)
        best = sorted((-score, image_id) for image_id, score in pairs if ids is None or image_id in ids)[:limit]
        records = await records_of_ids(table, [image_id for _, image_id in best])
        return [Hit(records[image_id], -score) for score, image_id in best if image_id in records]
