"""The rule from phrases to concepts."""

from __future__ import annotations

import pytest

from models.encoders.coco import CATEGORIES
from models.encoders.phrases import CATEGORY_COUNT, concept_names, is_sentence, lookup, normalise, singular


@pytest.mark.parametrize(
    ("phrase", "name"),
    [
        ("dog", "dog"), ("a dog", "dog"), ("the dogs", "dog"), ("two dogs", "dog"), ("3 dogs", "dog"),
        ("Photos of dogs", "dog"), ("a picture of a dog", "dog"), ("puppies", "dog"), ("kittens", "cat"),
        ("people", "person"), ("men", "person"), ("a woman", "person"), ("children", "person"), ("babies", "person"),
        ("sofa", "couch"), ("couches", "couch"), ("bikes", "bicycle"), ("motorbike", "motorcycle"),
        ("aeroplane", "airplane"), ("planes", "airplane"), ("lorries", "truck"), ("buses", "bus"), ("mugs", "cup"),
        ("phone", "cell phone"), ("smartphones", "cell phone"), ("fridge", "refrigerator"), ("TV", "tv"),
        ("TVs", "tv"), ("television", "tv"), ("knives", "knife"), ("skis", "skis"), ("scissors", "scissors"),
        ("wine glasses", "wine glass"), ("hot dogs", "hot dog"), ("hotdog", "hot dog"), ("teddies", "teddy bear"),
        ("traffic lights", "traffic light"), ("a big red dog", "dog"), ("doughnuts", "donut"), ("giraffes", "giraffe"),
        ("sheep", "sheep"), ("mice", "mouse"), ("hair dryer", "hair drier"), ("zebra crossing zebra", ""),
        ("any umbrellas", "umbrella"), ("benches", "bench"), ("toothbrushes", "toothbrush"), ("an orange", "orange"),
    ],
)  # fmt: skip
def test_everyday_words_are_coco_categories(phrase: str, name: str) -> None:
    found = lookup(phrase)
    if not name:
        assert found is None
        return
    assert found is not None
    assert found.concepts == (CATEGORIES.index(name),)


@pytest.mark.parametrize(
    ("phrase", "name"),
    [
        ("submarine", "submarine"), ("submarines", "submarine"), ("golden retriever", "Golden Retriever"),
        ("polar bears", "polar bear"), ("sea lion", "sea lion"), ("volcanoes", None), ("lighthouse", "lighthouse"),
        ("space shuttle", "space shuttle"), ("strawberries", "strawberry"), ("flamingos", "flamingo"),
        ("castle", "castle"), ("acoustic guitars", "acoustic guitar"), ("tench", "tench"),
        ("pumpkin", "carved pumpkin"),
    ],
)  # fmt: skip
def test_imagenet_names(phrase: str, name: str | None) -> None:
    found = lookup(phrase)
    if name is None:
        assert found is None or found.concepts
        return
    assert found is not None
    assert found.concepts == (CATEGORY_COUNT + concept_names()[CATEGORY_COUNT:].index(name),)


@pytest.mark.parametrize(
    ("word", "members", "outsider"),
    [
        ("animals", ["dog", "zebra", "goldfish", "tarantula"], "car"),
        ("vehicle", ["car", "boat", "airplane"], "dog"),
        ("fruit", ["banana", "apple", "lemon"], "broccoli"),
        ("furniture", ["couch", "bed", "wardrobe"], "tv"),
        ("birds of prey", ["bald eagle", "vulture"], "flamingo"),
        ("kitchen appliances", ["microwave", "toaster"], "sink"),
        ("snakes", ["garter snake", "Indian cobra"], "common iguana"),
        ("retrievers", ["Golden Retriever", "Labrador Retriever"], "pug"),
        ("guitar", ["acoustic guitar", "electric guitar"], "violin"),
        ("big cats", ["lion", "tiger"], "cat"),
        ("clothing", ["jeans", "kimono"], "wardrobe"),
    ],
)
def test_words_for_groups_are_unions(word: str, members: list[str], outsider: str) -> None:
    found = lookup(word)
    assert found is not None
    names = {concept_names()[index] for index in found.concepts}
    assert names >= set(members)
    assert outsider not in names
    assert len(set(found.concepts)) == len(found.concepts)


@pytest.mark.parametrize("word", ["justice", "quarterly report", "flibbertigibbet", "happiness", "", "?"])
def test_other_words_are_not_in_the_table(word: str) -> None:
    assert lookup(word) is None


@pytest.mark.parametrize("word", ["helicopter", "skyscraper"])
def test_words_known_to_have_no_concept(word: str) -> None:
    found = lookup(word)
    assert found is not None
    assert not found.concepts


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("dog", False), ("a red car", False), ("golden gate bridge", False), ("dog on a sofa", True),
        ("a man riding a wave on a surfboard", True), ("people playing frisbee", True), ("three dogs and a cat", True),
        ("an old rusty blue delivery van parked", True),
    ],
)  # fmt: skip
def test_sentences_are_told_from_phrases(text: str, sentence: bool) -> None:
    assert is_sentence(text) is sentence


def test_normalise_drops_punctuation_and_determiners() -> None:
    assert normalise("  The  DOG!? ") == "dog"
    assert normalise("a photo of the dog’s bowl") == "dog's bowl"
    assert normalise("the") == "the"


@pytest.mark.parametrize(
    ("plural", "one"),
    [("boxes", "box"), ("cherries", "cherry"), ("glass", "glass"), ("bus", "bus"), ("pies", "pie"), ("gas", "gas"),
     ("tennis", "tennis"), ("dishes", "dish"), ("dogs", "dog")],
)  # fmt: skip
def test_singular(plural: str, one: str) -> None:
    assert singular(plural) == one


def test_every_concept_name_finds_itself_or_its_category() -> None:
    names = concept_names()
    assert len(names) == 1080
    for index, name in enumerate(names):
        found = lookup(name)
        assert found is not None, name
        assert found.concepts, name
        if index < CATEGORY_COUNT:
            assert found.concepts == (index,)
