"""The 80 COCO categories and which ImageNet-1k classes say something about each."""

from __future__ import annotations


def words(text: str) -> tuple[str, ...]:
    """The items of a comma-separated list."""
    return tuple(text.split(","))


CATEGORIES = words(
    "person,bicycle,car,motorcycle,airplane,bus,train,truck,boat,traffic light,fire hydrant,stop sign,"
    "parking meter,bench,bird,cat,dog,horse,sheep,cow,elephant,bear,zebra,giraffe,backpack,umbrella,handbag,"
    "tie,suitcase,frisbee,skis,snowboard,sports ball,kite,baseball bat,baseball glove,skateboard,surfboard,"
    "tennis racket,bottle,wine glass,cup,fork,knife,spoon,bowl,banana,apple,sandwich,orange,broccoli,carrot,"
    "hot dog,pizza,donut,cake,chair,couch,potted plant,bed,dining table,toilet,tv,laptop,mouse,remote,"
    "keyboard,cell phone,microwave,oven,toaster,sink,refrigerator,book,clock,vase,scissors,teddy bear,"
    "hair drier,toothbrush"
)
"""Names in COCO's order, ids 0..79."""

CLASS_COUNT = 1000
"""Classes of ImageNet-1k, in the usual order."""


def _classes(*parts: int | tuple[int, int]) -> tuple[int, ...]:
    """Single indices and inclusive ranges, flattened."""
    flat: list[int] = []
    for part in parts:
        flat.extend([part] if isinstance(part, int) else range(part[0], part[1] + 1))
    return tuple(flat)


MEMBERS: dict[str, tuple[int, ...]] = {
    "airplane": _classes(404, 895),
    "apple": _classes(948),
    "backpack": _classes(414),
    "banana": _classes(954),
    "bear": _classes((294, 297)),
    "bed": _classes(564, 520),
    "bench": _classes(703),
    "bicycle": _classes(444, 671),
    "bird": _classes((7, 24), (80, 100), (127, 146)),
    "boat": _classes(472, 484, 554, 576, 625, 724, 780, 814, 871, 914),
    "book": _classes(921),
    "bottle": _classes(440, 720, 737, 898, 907),
    "bowl": _classes(659, 809),
    "broccoli": _classes(937),
    "bus": _classes(654, 779, 874),
    "car": _classes(436, 468, 511, 609, 627, 656, 661, 751, 817),
    "cat": _classes((281, 285)),
    "cell phone": _classes(487),
    "chair": _classes(559, 765, 423),
    "clock": _classes(409, 892, 530),
    "couch": _classes(831),
    "cow": _classes(345),
    "cup": _classes(504, 968, 967),
    "dining table": _classes(532),
    "dog": _classes((151, 268)),
    "elephant": _classes(101, 385, 386),
    "hair drier": _classes(589),
    "handbag": _classes(748),
    "horse": _classes(339, 603),
    "hot dog": _classes(934),
    "keyboard": _classes(508),
    "laptop": _classes(620, 681),
    "microwave": _classes(651),
    "motorcycle": _classes(665, 670),
    "mouse": _classes(673),
    "orange": _classes(950),
    "parking meter": _classes(704),
    "pizza": _classes(963),
    "potted plant": _classes(738),
    "refrigerator": _classes(760),
    "remote": _classes(761),
    "sandwich": _classes(933),
    "sheep": _classes(348, 349),
    "sink": _classes(896),
    "skis": _classes(795),
    "spoon": _classes(910),
    "sports ball": _classes(429, 430, 574, 722, 768, 805, 852, 890),
    "suitcase": _classes(519, 771),
    "teddy bear": _classes(850),
    "tennis racket": _classes(752),
    "tie": _classes(906, 457),
    "toaster": _classes(859),
    "toilet": _classes(861),
    "traffic light": _classes(920),
    "train": _classes(466, 547, 565, 705, 820, 829),
    "truck": _classes(555, 569, 675, 717, 864, 867),
    "tv": _classes(851),
    "umbrella": _classes(879),
    "vase": _classes(883),
    "wine glass": _classes(572),
    "zebra": _classes(340),
}
"""ImageNet classes that are kinds of a category: a picture of the class shows the category."""

HINTS: dict[str, tuple[int, ...]] = {
    "airplane": _classes(908),
    "baseball bat": _classes(981, 429),
    "baseball glove": _classes(981, 429, 658),
    "bed": _classes(750),
    "bicycle": _classes(870, 880),
    "book": _classes(453, 454, 917),
    "bottle": _classes(899),
    "bowl": _classes(925),
    "broccoli": _classes(938),
    "cake": _classes(927, 928),
    "car": _classes(581),
    "cell phone": _classes(605),
    "chair": _classes(857),
    "cow": _classes(346, 347, 690),
    "cup": _classes(441, 647),
    "donut": _classes(931),
    "fork": _classes(909, 910, 923),
    "handbag": _classes(636),
    "keyboard": _classes(878, 810),
    "kite": _classes(701, 417),
    "knife": _classes(499, 623),
    "orange": _classes(951),
    "oven": _classes(827, 766),
    "person": _classes(610, 834, 608, 981, 982, 655, 841),
    "potted plant": _classes(883),
    "sandwich": _classes(965, 930),
    "snowboard": _classes(795, 802),
    "spoon": _classes(618),
    "stop sign": _classes(919),
    "suitcase": _classes(748),
    "tennis racket": _classes(852),
    "tie": _classes(834),
    "tv": _classes(664, 782, 598),
    "wine glass": _classes(966),
}
"""Further classes whose pictures often show the category, or look like it."""


def evidence(category: str) -> tuple[int, ...]:
    """All ImageNet classes whose probability counts for a category in the prior; empty for a few categories."""
    return MEMBERS.get(category, ()) + HINTS.get(category, ())
