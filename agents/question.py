"""Is this text a question at all?"""

from __future__ import annotations

import unicodedata

from thresher.errors import InvalidQuestion

LONGEST = 2000


def checked(question: str) -> str:
    """The question without space around it. InvalidQuestion where it is empty, too long or not text."""
    text = question.strip()
    if not text:
        raise InvalidQuestion("The question is empty.", 'Ask something like "How many photos show a dog?".')
    if len(text) > LONGEST:
        raise InvalidQuestion(f"The question has {len(text)} characters.", f"Ask in at most {LONGEST:,}.")
    bad = next((c for c in text if unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn") and c not in "\n\r\t"), None)
    if bad is not None or "�" in text:
        raise InvalidQuestion("The question is not plain text.", "Send words, without control characters.")
    if not any(c.isalnum() for c in text):
        raise InvalidQuestion("The question has no words.", 'Ask something like "How many photos show a dog?".')
    return text
