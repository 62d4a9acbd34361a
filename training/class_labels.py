"""Partial labels of photos-1k for the 80 categories: each photograph is known to show one ImageNet class.

People were labelled by hand from contact sheets (by class index; there is one photograph a class). The rest is by
rule: a class that is a kind of a category is a positive; animals, plants, food and places are negatives for what
does not go with them; whatever may well stand in the same picture stays unlabelled.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from models.encoders.coco import CATEGORIES, CLASS_COUNT, HINTS, MEMBERS, words

UNKNOWN = -1

PEOPLE = frozenset(
    int(index)
    for index in words(
        "4,156,158,163,171,183,199,203,204,217,220,229,232,240,243,255,257,266,389,391,"
        "394,395,399,400,411,416,420,422,430,432,433,439,444,445,456,457,459,470,472,477,"
        "490,499,501,509,515,516,518,522,523,543,552,556,558,560,562,566,568,569,571,573,"
        "578,582,585,587,594,601,602,611,612,614,615,617,620,625,633,639,641,642,644,645,"
        "652,655,667,671,691,693,697,699,700,702,713,715,739,746,754,775,776,789,791,792,"
        "793,795,797,801,802,819,830,834,839,841,842,853,854,856,862,870,871,872,873,875,"
        "876,880,882,887,890,891,903,906,913,936,961,977,981,982,983"
    )
)
"""Class indices whose photograph clearly shows a person."""

PERHAPS_PEOPLE = frozenset(
    int(index)
    for index in words(
        "33,54,61,69,106,112,125,147,160,181,191,259,260,333,341,344,402,449,450,452,454,"
        "455,461,462,465,466,467,476,485,498,502,524,527,536,537,554,561,575,576,580,586,"
        "603,613,634,635,638,643,665,666,670,673,677,690,701,707,712,732,735,743,755,757,"
        "762,764,770,773,774,785,788,799,803,806,807,829,845,860,863,865,869,879,884,885,"
        "889,914,918,921,938,955,997,998"
    )
)
"""Hands, feet, dolls, statues, far away or unclear: not used."""

_ANIMALS = frozenset(["bird", "cat", "dog", "horse", "sheep", "cow", "elephant", "bear", "zebra", "giraffe"])
_VEHICLES = frozenset(["bicycle", "car", "motorcycle", "airplane", "bus", "train", "truck", "boat"])
_STREET = frozenset(["traffic light", "fire hydrant", "stop sign", "parking meter"])
_SPORTS = frozenset(
    [
        "frisbee",
        "skis",
        "snowboard",
        "sports ball",
        "kite",
        "baseball bat",
        "baseball glove",
        "skateboard",
        "surfboard",
        "tennis racket",
    ]
)
_FOOD = frozenset(["banana", "apple", "sandwich", "orange", "broccoli", "carrot", "hot dog", "pizza", "donut", "cake"])
_NEAR_PETS = frozenset(words("bench,chair,couch,bed,potted plant,book,bowl,bottle,cup,car,sports ball,frisbee"))
_BATH = frozenset(["toilet", "sink", "toothbrush", "hair drier"])
_VEHICLE_CLASSES = frozenset(c for name in _VEHICLES for c in MEMBERS[name])
_PETS = range(151, 286)
_PLACES = (970, 971, 972, 973, 974, 975, 976, 978, 979, 980, 984, 985, 986, 987, 988, 989, 990, *range(991, 998))


def _absent(index: int) -> frozenset[str]:
    """Categories that a photograph of this class can be taken not to show (before positives and hints)."""
    everything = frozenset(CATEGORIES) - {"person"}
    if index < 398:
        return everything - _NEAR_PETS if index in _PETS else everything
    if 924 <= index <= 969 or index == 998:
        return _ANIMALS | _VEHICLES | _STREET | _SPORTS | _BATH
    if index in _PLACES:
        return everything - {"boat", "bird"}
    if index in _VEHICLE_CLASSES:
        return _ANIMALS | _FOOD | _BATH
    return _ANIMALS | _FOOD


def class_labels() -> NDArray[np.int8]:
    """(1000, 80): 1 shown, 0 not shown, -1 unlabelled, for the photograph of each class."""
    labels = np.full((CLASS_COUNT, len(CATEGORIES)), UNKNOWN, np.int8)
    column = {name: i for i, name in enumerate(CATEGORIES)}
    for index, row in enumerate(labels):
        row[[column[name] for name in _absent(index)]] = 0
        if index not in PERHAPS_PEOPLE:
            row[column["person"]] = index in PEOPLE
    for table, value in ((HINTS, UNKNOWN), (MEMBERS, 1)):
        for name, classes in table.items():
            if name != "person":
                labels[list(classes), column[name]] = value
    return labels
