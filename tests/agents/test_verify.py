"""No sentence that is false by construction passes; good paraphrases do."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from agents.plan import plan
from agents.verify import Facts, facts, verify
from thresher.types import Verdict


def of(
    question: str, value: bool | int, names: Sequence[str] = (), counts: tuple[int, ...] = (), images: int = 0
) -> Facts:
    """`names` are cited of so many `images` (as many, if not given)."""
    read = plan(question)
    assert read is not None
    ids = tuple(f"{number:064x}" for number in range(images or len(names)))
    said = facts(read, Verdict(read.kind, value, ids), names, counts)
    assert said is not None
    return said


TWO = of("How many photos show a dog?", 2, ("a/17.jpg", "45.jpg"))
NONE = of("How many photos show a cow?", 0)
MANY = of("How many photos show a hot dog?", 57, ("1.jpg", "2.jpg", "3.jpg", "4.jpg", "5.jpg"), images=57)
THERE = of("Is there a photo of a train?", True, ("88.jpg",))
TRAINS = of("Is there a photo of a train?", True, ("88.jpg", "89.jpg", "90.jpg"))
NOT_THERE = of("any bears?", False)
SPOON = of("For the photo with the cup, is there a spoon?", True, ("coffee.png",))
NO_SPOON = of("For the photo with the cup, is there a spoon?", False, ("coffee.png",))
MORE = of("Are there more photos of people than of motorcycles?", True, (), (3, 2), 5)
NOT_MORE = of("Are there more photos of people than of motorcycles?", False, (), (2, 3), 5)
FEWER = of("Are there fewer photos of people than of motorcycles?", True, (), (2, 3), 5)
SOFA = of("Which photos show a dog on a sofa?", 1, ("x.png",))
EITHER = of("Is there a photo with a cat or a dog?", True, ("x.png",))
TWO_DOGS = of("Which photos show two dogs?", 3, ("1.jpg", "2.jpg", "3.jpg"))
ALL = of("Do all photos with a dog show a ball?", True, ("a.png", "b.png"), (2, 2))
NOT_ALL = of("Do all photos with a dog show a ball?", False, ("b.png",), (3, 2))
ANY = of("Do any photos with a dog show a ball?", True, ("b.png",), (3, 1))
NOT_ANY = of("Do any photos with a dog show a ball?", False, (), (3, 0), 3)
ONLY = of("Do all photos with a dog show a ball?", True, ("a.png",), (1, 1))
NOT_ONLY = of("Do any photos with a dog show a ball?", False, ("a.png",), (1, 0))
LIONS = of("How many lions are there?", 2, ("lion.jpg",), (1,))
NO_LIONS = of("How many lions are there?", 0, (), (0,))
MORE_FILES = "1.jpg, 2.jpg, 3.jpg, 4.jpg, 5.jpg and 52 more"

GOOD = [
    (TWO, "2 photos show a dog: a/17.jpg and 45.jpg."),
    (TWO, "There is a dog in 2 photos: a/17.jpg and 45.jpg."),
    (TWO, "Two pictures show dogs: 45.jpg, a/17.jpg."),
    (TWO, "There are two photos of a dog: a/17.jpg, 45.jpg."),
    (TWO, "There are 2 images that show a dog (a/17.jpg and 45.jpg)."),
    (TWO, "I found 2 photos with dogs: a/17.jpg and 45.jpg."),
    (TWO, "A dog appears in 2 photos: a/17.jpg and 45.jpg."),
    (TWO, "The number of photos that show a dog is 2: a/17.jpg and 45.jpg."),
    (NONE, "No photo shows a cow."),
    (NONE, "There is no cow in these photos."),
    (NONE, "There are no photos of a cow."),
    (NONE, "0 photos show a cow."),
    (NONE, "None of the photos shows a cow."),
    (NONE, "I can see no photo with a cow."),
    (MANY, f"57 photos show a hot dog: {MORE_FILES}."),
    (MANY, f"There is a hot dog in 57 photos: {MORE_FILES}."),
    (MANY, f"There are 57 pictures of hot dogs: {MORE_FILES}."),
    (THERE, "Yes, there is a train in 1 photo: 88.jpg."),
    (THERE, "Yes, a photo shows a train: 88.jpg."),
    (THERE, "Yes, there is a photo of a train: 88.jpg."),
    (THERE, "Yes, one photo shows a train (88.jpg)."),
    (TRAINS, "Yes, there is a train in 3 photos: 88.jpg, 89.jpg and 90.jpg."),
    (NOT_THERE, "No, no photo shows a bear."),
    (NOT_THERE, "No, there is no bear in these photos."),
    (NOT_THERE, "No photo shows a bear."),
    (NOT_THERE, "No, there is no photo of a bear."),
    (NOT_THERE, "No, there are no bears."),
    (SPOON, "Yes, the photo that shows a cup (coffee.png) shows a spoon."),
    (SPOON, "Yes, there is a spoon in the photo with a cup (coffee.png)."),
    (SPOON, "Yes, there is a spoon in the photo with the cup: coffee.png."),
    (SPOON, "The picture of the cup also shows a spoon: coffee.png."),
    (NO_SPOON, "No, the photo that shows a cup (coffee.png) shows no spoon."),
    (NO_SPOON, "No, the photo with the cup (coffee.png) does not show a spoon."),
    (NO_SPOON, "No, there is no spoon in the photo with the cup (coffee.png)."),
    (NO_SPOON, "The photo with the cup (coffee.png) doesn't contain a spoon."),
    (MORE, "Yes, there are more photos of people (3) than of motorcycles (2)."),
    (MORE, "Yes, there are more photos of a person (3) than of a motorcycle (2)."),
    (MORE, "Yes, more photos show a person (3) than a motorcycle (2)."),
    (NOT_MORE, "No, there are not more photos of people (2) than of motorcycles (3)."),
    (NOT_MORE, "No, 2 photos show a person and 3 photos show a motorcycle."),
    (NOT_MORE, "No, there is a person in 2 photos and a motorcycle in 3 photos."),
    (FEWER, "Yes, there are fewer photos of a person (2) than of a motorcycle (3)."),
    (SOFA, "There is a dog on a sofa in 1 photo: x.png."),
    (EITHER, "Yes, there is a cat or a dog in 1 photo: x.png."),
    (TWO_DOGS, "There are at least two dogs in 3 photos: 1.jpg, 2.jpg and 3.jpg."),
    (ALL, "Yes, all 2 photos that show a dog show a ball: a.png and b.png."),
    (ALL, "Yes, there is a ball in all 2 photos with a dog: a.png and b.png."),
    (NOT_ALL, "No, there is no ball in 1 of the 3 photos with a dog: b.png."),
    (NOT_ALL, "No, 1 of the 3 photos with a dog does not show a ball: b.png."),
    (ANY, "Yes, 1 of the 3 photos with a dog shows a ball: b.png."),
    (ANY, "Yes, there is a ball in 1 of the 3 photos with a dog: b.png."),
    (NOT_ANY, "No, none of the 3 photos with a dog shows a ball."),
    (NOT_ANY, "No, there is no ball in any of the 3 photos with a dog."),
    (ONLY, "Yes, there is a ball in the only photo with a dog: a.png."),
    (NOT_ONLY, "No, there is no ball in the only photo with a dog: a.png."),
    (LIONS, "There are 2 lions in 1 photo: lion.jpg."),
    (LIONS, "I can see two lions in 1 photo: lion.jpg."),
    (NO_LIONS, "There are no lions."),
    (NO_LIONS, "I can see no lions."),
]
FALSE = [
    # noun
    (TWO, "2 photos show a cat: a/17.jpg and 45.jpg."),
    (TWO, "There is a cat in 2 photos: a/17.jpg and 45.jpg."),
    (TWO, "2 photos show a hot dog: a/17.jpg and 45.jpg."),
    (TWO, "2 photos show a dog house: a/17.jpg and 45.jpg."),
    (MANY, f"57 photos show a dog: {MORE_FILES}."),
    (EITHER, "Yes, there is a cat and a dog in 1 photo: x.png."),
    (EITHER, "Yes, there is a cat in 1 photo: x.png."),
    (MORE, "Yes, there are more photos of a person (3) than of a bicycle (2)."),
    # number
    (TWO, "There is a dog in 3 photos: a/17.jpg and 45.jpg."),
    (TWO, "There is a dog in three photos: a/17.jpg and 45.jpg."),
    (TWO, "There is a dog in 1 photo: a/17.jpg and 45.jpg."),
    (TWO, "One photo shows a dog: a/17.jpg and 45.jpg."),
    (TWO, "There is a dog in a photo: a/17.jpg and 45.jpg."),
    (TWO, "There is a dog in photos: a/17.jpg and 45.jpg."),
    (TWO, "2 photos show 2 dogs: a/17.jpg and 45.jpg."),
    (TWO, "There are 2 dogs in photos: a/17.jpg and 45.jpg."),
    (TWO, "There are 2 dogs in 2 photos: a/17.jpg and 45.jpg."),
    (TWO, "At least 2 photos show a dog: a/17.jpg and 45.jpg."),
    (TWO, "2.5 photos show a dog: a/17.jpg and 45.jpg."),
    (TWO, "Up to 2 photos show a dog: a/17.jpg and 45.jpg."),
    (TWO, "12 photos show a dog: a/17.jpg and 45.jpg."),
    (TWO, "Twenty-two photos show a dog: a/17.jpg and 45.jpg."),
    (TWO, "2 dozen photos show a dog: a/17.jpg and 45.jpg."),
    (TWO, ">2 photos show a dog: a/17.jpg and 45.jpg."),
    (TWO, "A photo shows a dog: a/17.jpg and 45.jpg."),
    (MANY, f"There is a hot dog in 58 photos: {MORE_FILES}."),
    (MANY, f"There is a hot dog in 5 photos: {MORE_FILES}."),
    (MANY, f"57 photos show two hot dogs: {MORE_FILES}."),
    (THERE, "Yes, there is a train in 2 photos: 88.jpg."),
    (TRAINS, "Yes, there is a train in a photo: 88.jpg, 89.jpg and 90.jpg."),
    (TWO_DOGS, "There are two dogs in 3 photos: 1.jpg, 2.jpg and 3.jpg."),
    (TWO_DOGS, "There are three dogs in 3 photos: 1.jpg, 2.jpg and 3.jpg."),
    (TWO_DOGS, "There is a dog in 3 photos: 1.jpg, 2.jpg and 3.jpg."),
    (TWO_DOGS, "There are two dogs in two photos: 1.jpg, 2.jpg and 3.jpg."),
    (ALL, "Yes, there is a ball in all 3 photos with a dog: a.png and b.png."),
    (NOT_ALL, "No, there is no ball in 2 of the 3 photos with a dog: b.png."),
    (NOT_ALL, "No, there is no ball in 1 of the 2 photos with a dog: b.png."),
    (ANY, "Yes, there is a ball in 2 of the 3 photos with a dog: b.png."),
    (ANY, "Yes, there is a ball in 3 of the 1 photos with a dog: b.png."),
    (NOT_ANY, "No, there is no ball in any of the 4 photos with a dog."),
    (LIONS, "I can see 3 lions in 1 photo: lion.jpg."),
    (LIONS, "I can see 2 lions in 2 photos: lion.jpg."),
    (LIONS, "I can see 1 lion in 2 photos: lion.jpg."),
    (LIONS, "2 photos show a lion: lion.jpg."),
    (NO_LIONS, "I can see 1 lion."),
    # polarity
    (TWO, "No photo shows a dog: a/17.jpg and 45.jpg."),
    (TWO, "There is no dog in 2 photos: a/17.jpg and 45.jpg."),
    (TWO, "2 photos do not show a dog: a/17.jpg and 45.jpg."),
    (TWO, "2 photos show no dog: a/17.jpg and 45.jpg."),
    (TWO, "Not 2 photos show a dog: a/17.jpg and 45.jpg."),
    (NONE, "There is a cow in these photos."),
    (NONE, "A photo shows a cow."),
    (NONE, "There is a cow in 1 photo."),
    (NONE, "A photo does not show a cow."),
    (NONE, "No photo does not show a cow."),
    (NONE, "There is a cow."),
    (THERE, "No, there is a train in 1 photo: 88.jpg."),
    (THERE, "Yes, there is no train in 1 photo: 88.jpg."),
    (THERE, "Yes, no photo shows a train: 88.jpg."),
    (NOT_THERE, "Yes, there is no bear in these photos."),
    (NOT_THERE, "Yes, there is a bear in these photos."),
    (NOT_THERE, "No, there is a bear in these photos."),
    (NOT_THERE, "No."),
    (SPOON, "No, there is a spoon in the photo with a cup (coffee.png)."),
    (SPOON, "No, there is no spoon in the photo with a cup (coffee.png)."),
    (SPOON, "Yes, the photo with a cup (coffee.png) does not show a spoon."),
    (NO_SPOON, "Yes, there is a spoon in the photo with a cup (coffee.png)."),
    (NO_SPOON, "No, there is a spoon in the photo with a cup (coffee.png)."),
    (NO_SPOON, "No photo with the cup (coffee.png) shows a spoon."),
    (NOT_MORE, "Yes, there is a person in 2 photos and a motorcycle in 3 photos."),
    (NOT_MORE, "No, there is no person in 2 photos and a motorcycle in 3 photos."),
    (ONLY, "Yes, there is no ball in the only photo with a dog: a.png."),
    (NOT_ONLY, "No, there is a ball in the only photo with a dog: a.png."),
    (LIONS, "I can see no lions in 1 photo: lion.jpg."),
    # any, all, some
    (NOT_ALL, "No, none of the 3 photos with a dog shows a ball: b.png."),
    (NOT_ALL, "No, there is no ball in any of the 3 photos with a dog: b.png."),
    (NOT_ALL, "No, there is no ball in all 3 photos with a dog: b.png."),
    (ALL, "Yes, there is a ball in some photos with a dog: a.png and b.png."),
    (ALL, "Yes, there is a ball in any of the 2 photos with a dog: a.png and b.png."),
    (ALL, "Yes, there is a ball in 1 of the 2 photos with a dog: a.png and b.png."),
    (ANY, "Yes, there is a ball in all 3 photos with a dog: b.png."),
    (ANY, "Yes, there is a ball in any of the 3 photos with a dog: b.png."),
    (NOT_ANY, "No, there is no ball in all 3 photos with a dog."),
    (NOT_ANY, "No, there is no ball in 1 of the 3 photos with a dog."),
    (NOT_ANY, "No, not all 3 photos with a dog show a ball."),
    (NOT_ANY, "No, there is a ball in none of the 3 photos with a cat."),
    # relation, direction
    (MORE, "Yes, there are fewer photos of a person (3) than of a motorcycle (2)."),
    (MORE, "Yes, there are more photos of a motorcycle (2) than of a person (3)."),
    (MORE, "Yes, there are more photos of a motorcycle (3) than of a person (2)."),
    (MORE, "Yes, there are more photos of a person (2) than of a motorcycle (3)."),
    (MORE, "Yes, there are more photos of a person (3) than of a motorcycle (1)."),
    (MORE, "Yes, there are more people (3) than motorcycles (2)."),
    (FEWER, "Yes, there are more photos of a person (2) than of a motorcycle (3)."),
    (NOT_MORE, "No, there are more photos of a person (2) than of a motorcycle (3)."),
    (NOT_MORE, "Yes, there are more photos of a person (2) than of a motorcycle (3)."),
    (NOT_MORE, "No, there are not fewer photos of a person (2) than of a motorcycle (3)."),
    (NOT_MORE, "No, there is a person in 3 photos and a motorcycle in 2 photos."),
    (NOT_MORE, "No, there is a motorcycle in 2 photos and a person in 3 photos."),
    (SOFA, "There is a dog under a sofa in 1 photo: x.png."),
    (SOFA, "There is a sofa on a dog in 1 photo: x.png."),
    (SOFA, "There is a dog and a sofa in 1 photo: x.png."),
    (SOFA, "There is a dog in 1 photo: x.png."),
    (SPOON, "Yes, there is a cup in the photo with a spoon (coffee.png)."),
    (ANY, "Yes, there is a dog in 1 of the 3 photos with a ball: b.png."),
    # citation
    (TWO, "2 photos show a dog: a/17.jpg and 46.jpg."),
    (TWO, "2 photos show a dog: a/17.jpg."),
    (TWO, "2 photos show a dog."),
    (TWO, "2 photos show a dog: a/17.jpg, 45.jpg and 3.jpg."),
    (TWO, "2 photos show a dog: a/17.jpg, 45.jpg and b/45.jpg."),
    (TWO, "2 photos show a dog: 17.jpg and 45.jpg."),
    (TWO, "2 photos show a dog: a/17.jpg, a/17.jpg and 45.jpg."),
    (TWO, "2 photos show a dog: a/17.jpg and 145.jpg."),
    (TWO, "2 photos show a dog: a/17.jpg, 45.jpg and 1 more."),
    (TWO, "2 photos (a/17.jpg) show a dog: 45.jpg."),
    (TWO, "a/17.jpg and 45.jpg."),
    (TWO, "There is a dog in 2 photos [1] [2]."),
    (TWO, "There is a dog in 2 photos [1] [2]: a/17.jpg and 45.jpg."),
    (TWO, "There is a dog in 2 photos (3): a/17.jpg and 45.jpg."),
    (MANY, "57 photos show a hot dog: a.jpg."),
    (MANY, "57 photos show a hot dog: 1.jpg, 2.jpg, 3.jpg, 4.jpg and 5.jpg."),
    (MANY, "57 photos show a hot dog: 1.jpg, 2.jpg, 3.jpg, 4.jpg, 5.jpg and 51 more."),
    (MANY, "57 photos show a hot dog: 1.jpg, 2.jpg, 3.jpg, 4.jpg, 6.jpg and 52 more."),
    (NONE, "No photo shows a cow: 12.jpg."),
    (SPOON, "Yes, there is a spoon in the photo with a cup (cup.png)."),
    (SPOON, "Yes, there is a spoon in the photo with a cup."),
    (MORE, "Yes, there are more photos of a person (3) than of a motorcycle (2): a.png."),
    # a number is left out
    (MORE, "Yes, there are more photos of people than of motorcycles."),
    (ALL, "Yes, all photos with a dog show a ball: a.png and b.png."),
    (NOT_ALL, "No, not all photos with a dog show a ball: b.png."),
    # more than the verdict says
    (TWO, "2 photos show a dog and a cat: a/17.jpg and 45.jpg."),
    (TWO, "2 photos show a brown dog: a/17.jpg and 45.jpg."),
    (TWO, "There is a dog on a sofa in 2 photos: a/17.jpg and 45.jpg."),
    (TWO, "There is a dog in 2 photos: a/17.jpg and 45.jpg. Both are lovely."),
    (TWO, "Only 2 photos show a dog: a/17.jpg and 45.jpg."),
    (TWO, "2 photos show a dog: a/17.jpg and 45.jpg, and no photo shows a cat."),
    (TWO, "Do 2 photos show a dog: a/17.jpg and 45.jpg?"),
    (TWO, "2 old photos show a dog: a/17.jpg and 45.jpg."),
    (TWO, "2 photos may show a dog: a/17.jpg and 45.jpg."),
    (TWO, ""),
    (TWO, "2 photos show a dog:\na/17.jpg and 45.jpg."),
]


@pytest.mark.parametrize(("said", "text"), FALSE)
def test_false_sentences_fail(said: Facts, text: str) -> None:
    assert verify(text, said)


@pytest.mark.parametrize(("said", "text"), GOOD)
def test_good_sentences_pass(said: Facts, text: str) -> None:
    assert verify(text, said) == []


def test_a_no_about_several_things_is_said_by_rule() -> None:
    """ "There is no cat and a dog" can be read in two ways."""
    read = plan("Is there a photo with a cat and a dog?")
    assert read is not None
    assert facts(read, Verdict(read.kind, False), (), ()) is None
    assert facts(read, Verdict(read.kind, True, ("0",)), (), ()) is not None
