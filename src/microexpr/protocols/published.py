"""The published protocols as values, with the counts that their papers give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..core.action_units import ACTION_UNITS
from ..core.classes import COARSE_CLASSES
from .base import LEAKING_IMAGES, LEAKING_VIDEOS, PROTOCOLS, ZERO_SHOT, Protocol, Split

# ---------------------------------------------------------------------------------------------------------------------
# MEGC 2018: objective classes I to V of CASME II and SAMM (Davison, Merghani and Yap 2018; Yap et al. 2018)

_I_TO_V = ("I", "II", "III", "IV", "V")
_MEGC2018 = {
    "casme2": {"I": 25, "II": 15, "III": 99, "IV": 26, "V": 20},
    "samm": {"I": 24, "II": 13, "III": 20, "IV": 8, "V": 3},
}
_MEGC2018_SUBJECTS = {"casme2": 26, "samm": 21}


def _megc2018(name: str, title: str, datasets: tuple[str, ...], **rest: Any) -> Protocol:
    return Protocol(
        name=name,
        title=title,
        datasets=datasets,
        label="objective",
        classes=_I_TO_V,
        counts={d: _MEGC2018[d] for d in datasets},
        subjects={d: _MEGC2018_SUBJECTS[d] for d in datasets},
        source="Yap, See, Hong, Wang: Facial Micro-Expressions Grand Challenge 2018; counts: Peng et al. 2018, Table I",
        **rest,
    )


# ---------------------------------------------------------------------------------------------------------------------
# MEGC 2019: three classes of SMIC, CASME II and SAMM (See, Yap, Li, Hong, Wang 2019)

_SMIC = {"negative": 70, "positive": 51, "surprise": 43}
_OWN = {label: label for label in COARSE_CLASSES}  # the precomputed release and SMIC use the task's classes
_MEGC2019_LABEL_MAP = {
    "casme2": {
        **_OWN,
        "happiness": "positive",
        "surprise": "surprise",
        "disgust": "negative",
        "repression": "negative",
    },
    "samm": {
        **_OWN,
        "Happiness": "positive",
        "Surprise": "surprise",
        **dict.fromkeys(("Anger", "Contempt", "Disgust", "Fear", "Sadness"), "negative"),
    },
    "smic": _OWN,
}


def _megc2019(name: str, title: str, **rest: Any) -> Protocol:
    return Protocol(
        name=name,
        title=title,
        datasets=("casme2", "samm", "smic"),
        label="emotion",
        classes=COARSE_CLASSES,
        label_map=_MEGC2019_LABEL_MAP,
        exclude={
            "casme2/sub04/EP12_01f": "not in the challenge's list (its apex is unknown in the sheet)",
            "casme2/sub05/EP09_05f": "not in the challenge's list",
        },
        counts={
            "casme2": {"negative": 88, "positive": 32, "surprise": 25},
            "samm": {"negative": 92, "positive": 26, "surprise": 15},
            "smic": _SMIC,
        },
        subjects={"casme2": 24, "samm": 28, "smic": 16},
        **rest,
    )


# ---------------------------------------------------------------------------------------------------------------------
# CASME II by emotion (sheet of 8 May 2014: 255 clips)

_CASME2 = {
    "happiness": 32,
    "disgust": 63,
    "repression": 27,
    "surprise": 25,
    "sadness": 7,
    "fear": 2,
    "others": 99,
}
_FIVE = ("happiness", "disgust", "repression", "surprise", "others")
_LAST_SIX = tuple(f"casme2/sub{n}" for n in range(21, 27))


def _casme2(
    name: str, title: str, classes: Sequence[str], subjects: int | None = None, source: str = ""
) -> list[Protocol]:
    """The same classes twice: leave one subject out, and 20 subjects against the last six.

    Devanaboyina 2021 does not say which six subjects were tested; the last six are our choice, made once.
    """
    common: dict[str, Any] = {
        "datasets": ("casme2",),
        "label": "emotion",
        "classes": tuple(classes),
        "counts": {"casme2": {label: _CASME2[label] for label in classes}},
        "subjects": {"casme2": subjects} if subjects else {},
        "primary_metrics": ("weighted_average_recall", "macro_f1"),
        "source": source or "Yan et al. 2014 (CASME II); sheet of 8 May 2014",
    }
    return [
        Protocol(name=name, title=f"CASME II, {title}, leave one subject out", **common),
        Protocol(
            name=f"{name}-holdout",
            title=f"CASME II, {title}, trained on 20 subjects, tested on the last six",
            split="fixed-subjects",
            test_subjects=_LAST_SIX,
            **common,
        ),
    ]


# ---------------------------------------------------------------------------------------------------------------------
# CASME II and SMIC together, which Devanaboyina 2021 announces: the words of SMIC for the emotions of CASME II


def _casme2_smic(name: str, title: str, negative: Sequence[str], subjects: int) -> Protocol:
    """The classes of SMIC; `negative` are the emotions of CASME II that count as negative.

    A person is a person of a data set: sub01 and s01 are two.
    """
    words = {"happiness": "positive", "surprise": "surprise", **dict.fromkeys(negative, "negative")}
    counts = dict.fromkeys(COARSE_CLASSES, 0)
    for emotion, word in words.items():
        counts[word] += _CASME2[emotion]
    return Protocol(
        name=name,
        title=f"CASME II and SMIC, {title}, leave one subject out",
        datasets=("casme2", "smic"),
        label="emotion",
        classes=COARSE_CLASSES,
        label_map={"casme2": words, "smic": _OWN},
        counts={"casme2": counts, "smic": _SMIC},
        subjects={"casme2": subjects, "smic": 16},
        primary_metrics=("weighted_average_recall", "macro_f1"),
        source="not published; announced by Devanaboyina 2021. Words for emotions as in MEGC 2019",
    )


# ---------------------------------------------------------------------------------------------------------------------
# CASME and CASME II together (Peng, Wang, Chen, Liu and Fu 2017)

_NEGATIVE = ("disgust", "sadness", "fear")
_PENG2017 = {
    "casme": {
        "happiness": "positive",
        "surprise": "surprise",
        **dict.fromkeys((*_NEGATIVE, "contempt"), "negative"),
        **dict.fromkeys(("tense", "repression"), "others"),
    },
    "casme2": {
        "happiness": "positive",
        "surprise": "surprise",
        **dict.fromkeys(_NEGATIVE, "negative"),
        **dict.fromkeys(("others", "repression"), "others"),
    },
}


# ---------------------------------------------------------------------------------------------------------------------
# CAS(ME)^3, part A, by emotion (sheet v2 of its micro-expressions: 860 clips)

_CASME3A = {"disgust": 250, "surprise": 187, "others": 161, "fear": 86, "anger": 64, "sad": 57, "happy": 55}
_CASME3A_WORDS = {
    "happy": "positive",
    "surprise": "surprise",
    **dict.fromkeys(("disgust", "fear", "anger", "sad"), "negative"),
}


def _casme3a(name: str, title: str, words: Mapping[str, str], subjects: int | None = None) -> Protocol:
    """Leave one subject out; `words` are the classes of the emotions that take part."""
    counts = dict.fromkeys(sorted(set(words.values())), 0)
    for emotion, word in words.items():
        counts[word] += _CASME3A[emotion]
    return Protocol(
        name=name,
        title=f"CAS(ME)^3, part A, {title}, leave one subject out",
        datasets=("casme3a",),
        label="emotion",
        classes=tuple(counts),
        label_map={"casme3a": words},
        counts={"casme3a": counts},
        subjects={"casme3a": subjects} if subjects else {},
        source="Li et al. 2023 (CAS(ME)^3); classes as in the papers that compare 3, 4 and 7; counts: sheet v2",
    )


# ---------------------------------------------------------------------------------------------------------------------
# MMEW (Ben et al. 2021)

_MMEW = {"surprise": 89, "disgust": 72, "others": 66, "happiness": 36, "fear": 16, "sadness": 13, "anger": 8}


def _mmew(title: str, classes: Sequence[str], source: str) -> Protocol:
    return Protocol(
        name=f"mmew-{len(classes)}",
        title=f"MMEW, {title}, leave one subject out",
        datasets=("mmew",),
        label="emotion",
        classes=tuple(classes),
        counts={"mmew": {label: _MMEW[label] for label in classes}},
        primary_metrics=("weighted_average_recall", "macro_f1"),
        source=f"counts: Ben et al. 2021; {source}",
    )


# ---------------------------------------------------------------------------------------------------------------------
# DFME, the release of its challenge (Zhao et al. 2023): trained on one part, tested on another, of other people

_SEVEN = ("anger", "contempt", "disgust", "fear", "happiness", "sadness", "surprise")
_DFME = {
    "dfme": (161, 100, 548, 265, 206, 278, 298),
    "dfme_test_a": (39, 34, 129, 62, 63, 46, 101),
    "dfme_test_b": (41, 37, 58, 38, 42, 35, 48),
}
_DFME_SUBJECTS = {"dfme": 176, "dfme_test_a": 42, "dfme_test_b": 41}


def _dfme(name: str, test: str, title: str) -> Protocol:
    datasets = ("dfme", test)
    return Protocol(
        name=name,
        title=f"DFME, seven emotions, trained on its training part, tested on {title}",
        datasets=datasets,
        label="emotion",
        classes=_SEVEN,
        split="fixed-subjects",
        test_subjects=(f"{test}/*",),
        counts={d: dict(zip(_SEVEN, _DFME[d], strict=True)) for d in datasets},
        subjects={d: _DFME_SUBJECTS[d] for d in datasets},
        source="Zhao et al. 2023 (DFME); counts: sheets of the challenge's release",
    )


# ---------------------------------------------------------------------------------------------------------------------
# Macro-expressions of Peng et al. 2018: 10 431 images of four releases

# In the order of the objective classes I to V, which show the same action units: so the last layer carries over.
_MACRO_CLASSES = ("happiness", "surprise", "anger", "disgust", "sadness")
_SIX = ("happiness", "surprise", "anger", "disgust", "sadness", "fear")
_MACRO = {  # Peng et al. 2018, section III B; by class from the releases: 852, 1200, 151
    "ckplus": {"happiness": 207, "surprise": 249, "anger": 135, "disgust": 177, "sadness": 84},
    "oulu_casia": dict.fromkeys(_MACRO_CLASSES, 240),
    "jaffe": {"happiness": 31, "surprise": 30, "anger": 30, "disgust": 29, "sadness": 31},
}
_MACRO_FRAMES = {"ckplus": (3, 3), "oulu_casia": (3, 3), "mug": (6, 10)}


def _macro(name: str, title: str, split: Split, **rest: Any) -> Protocol:
    return Protocol(
        **{
            "name": name,
            "title": title,
            "datasets": ("ckplus", "oulu_casia", "jaffe", "mug"),
            "label": "emotion",
            "classes": _MACRO_CLASSES,
            "frames_per_clip": _MACRO_FRAMES,
            "split": split,
            "primary_metrics": ("weighted_average_recall", "unweighted_average_recall"),
            **rest,
        }
    )


_PENG_MACRO: dict[str, Any] = {
    "counts": _MACRO,
    "clip_totals": {"mug": 8228},
    "source": "Peng et al. 2018, section III B: the last 3 frames of CK+ and Oulu-CASIA, 6 to 10 of MUG round the apex",
}

# ---------------------------------------------------------------------------------------------------------------------
# Action units, on the clips whose release gives them


def _action_units(name: str, title: str, datasets: tuple[str, ...], **rest: Any) -> list[Protocol]:
    """The same clips twice: leave one subject out, and nobody trained on."""
    common: dict[str, Any] = {
        "datasets": datasets,
        "label": "action_units",
        "classes": tuple(map(str, ACTION_UNITS)),
        "multilabel": True,
        "primary_metrics": ("auc", "f1"),
        "source": "action units of the releases' sheets; means over those of 5 clips or more",
        **rest,
    }
    return [
        Protocol(name=name, title=f"{title}, leave one subject out", **common),
        Protocol(name=f"{name}-zero-shot", title=f"{title}, nobody trained on", split=ZERO_SHOT, **common),
    ]


_DEVANABOYINA = "Devanaboyina 2021"
_PUBLISHED = (
    _megc2018(
        "megc2018-hde",
        "MEGC 2018, holdout-database evaluation: trained on one release, tested on the other, both ways",
        ("casme2", "samm"),
        split="leave-one-dataset-out",
        average="folds",
        primary_metrics=("weighted_average_recall", "unweighted_average_recall"),
    ),
    _megc2018(
        "megc2018-cde",
        "MEGC 2018, composite-database evaluation: leave one of 47 subjects out",
        ("casme2", "samm"),
        primary_metrics=("macro_f1", "weighted_f1"),
    ),
    _megc2018(
        "megc2018-casme2",
        "CASME II, objective classes I to V, leave one subject out",
        ("casme2",),
        primary_metrics=("weighted_average_recall", "macro_f1"),
    ),
    _megc2018(
        "megc2018-samm",
        "SAMM, objective classes I to V, leave one subject out",
        ("samm",),
        primary_metrics=("weighted_average_recall", "macro_f1"),
    ),
    _megc2019(
        "megc2019-cde",
        "MEGC 2019, composite-database evaluation: three classes, leave one of 68 subjects out",
        source="See, Yap, Li, Hong, Wang: MEGC 2019, the Second Facial Micro-Expressions Grand Challenge",
    ),
    _megc2019(
        "megc2019-zero-shot",
        "the clips and classes of MEGC 2019; no clip of anybody is trained on, all are tested",
        split=ZERO_SHOT,
        source="not published; for recognizers that are trained on drawn or rendered motion alone",
    ),
    _macro(
        "peng2018-macro",
        "macro-expressions, five emotions, tested on a tenth of the subjects",
        "subject-holdout-10",
        **_PENG_MACRO,
    ),
    _macro(
        "peng2018-macro-leaking",
        "macro-expressions, five emotions, tested on a tenth of the images, which LEAKS: clips are on both sides",
        LEAKING_IMAGES,
        **_PENG_MACRO,
    ),
    _macro(
        "macro-5",
        "five emotions of any macro-expression releases, tested on a tenth of the subjects",
        "subject-holdout-10",
        datasets=("ckplus", "oulu_casia", "jaffe", "mug", "fer2013", "ckplus48"),
    ),
    Protocol(
        name="peng2017-casme",
        title="CASME and CASME II, four classes, leave one subject out; people of the two count as different ones",
        datasets=("casme", "casme2"),
        label="emotion",
        classes=("negative", "others", "positive", "surprise"),
        label_map=_PENG2017,
        primary_metrics=("weighted_average_recall", "macro_f1"),
        source="Peng, Wang, Chen, Liu and Fu 2017 (DTSCNN); which emotions a class has is our choice",
    ),
    _casme3a("casme3a-7", "seven emotions", {emotion: emotion for emotion in _CASME3A}, 94),
    _casme3a("casme3a-4", "negative, positive, surprise and others", {**_CASME3A_WORDS, "others": "others"}, 94),
    _casme3a("casme3a-3", "negative, positive and surprise", _CASME3A_WORDS),
    Protocol(
        name="macro-oulu-casia",
        title="Oulu-CASIA, six emotions, whole sequences, tested on a tenth of the subjects",
        datasets=("oulu_casia",),
        label="emotion",
        classes=_SIX,
        counts={"oulu_casia": dict.fromkeys(_SIX, 80)},
        subjects={"oulu_casia": 80},
        split="subject-holdout-10",
        primary_metrics=("weighted_average_recall", "unweighted_average_recall"),
        source="Zhao et al. 2011; the first training of Zhi et al. 2019",
    ),
    Protocol(
        name="macro-ckplus-sequences",
        title="CK+, five emotions, whole sequences, tested on a tenth of the subjects",
        datasets=("ckplus",),
        label="emotion",
        classes=_MACRO_CLASSES,
        counts={"ckplus": {"happiness": 69, "surprise": 83, "anger": 45, "disgust": 59, "sadness": 28}},
        split="subject-holdout-10",
        primary_metrics=("weighted_average_recall", "unweighted_average_recall"),
        source="Lucey et al. 2010; classes as in the images of Peng et al. 2018",
    ),
    *_casme2("casme2-7", "seven emotions", tuple(_CASME2), 26),
    *_casme2("casme2-5", "five emotions", _FIVE),
    Protocol(
        name="casme2-5-leave-one-video-out-leaking",
        title="CASME II, five emotions, leave one video out, which LEAKS: subjects are on both sides",
        datasets=("casme2",),
        label="emotion",
        classes=_FIVE,
        split=LEAKING_VIDEOS,
        counts={"casme2": {label: _CASME2[label] for label in _FIVE}},
        primary_metrics=("weighted_average_recall", "macro_f1"),
        source="Yan et al. 2014 (CASME II), baseline evaluation; counts: sheet of 8 May 2014",
    ),
    *_casme2(
        "casme2-5a",
        "the five emotions of method 6",
        ("happiness", "surprise", "repression", "sadness", "disgust"),
        source=f"{_DEVANABOYINA}, method 6",
    ),
    *_casme2(
        "casme2-5b",
        "the five emotions of method 5, second run",
        ("happiness", "surprise", "repression", "sadness", "fear"),
        source=f"{_DEVANABOYINA}, method 5",
    ),
    *_casme2(
        "casme2-3",
        "three emotions",
        ("happiness", "surprise", "repression"),
        subjects=20,
        source=f"{_DEVANABOYINA}, method 5",
    ),
    _casme2_smic("casme2-smic-3", "three emotions of method 7 and those of SMIC", ("repression",), 20),
    _casme2_smic("casme2-smic", "the emotions of MEGC 2019 and those of SMIC", ("repression", "disgust"), 24),
    *_action_units(
        "casme2-action-units",
        "action units of CASME II",
        ("casme2",),
        clip_totals={"casme2": 255},
        subjects={"casme2": 26},
    ),
    _mmew("the six basic emotions", _SIX, "that others take no part is common"),
    _mmew(
        "the four emotions with most clips",
        ("surprise", "disgust", "others", "happiness"),
        "which four is common, not published with the release",
    ),
    Protocol(
        name="fourdme-5",
        title="4DME, clips of one emotion of five, leave one subject out",
        datasets=("fourdme",),
        label="emotion",
        classes=("Positive", "Negative", "Surprise", "Repression", "Others"),
        counts={"fourdme": {"Positive": 34, "Negative": 127, "Surprise": 30, "Repression": 6, "Others": 31}},
        source="classes: Li et al. 2022 (4DME); that clips of two emotions take no part is our choice",
    ),
    _dfme("dfme-test-a", "dfme_test_a", "test A"),
    _dfme("dfme-test-b", "dfme_test_b", "test B"),
    *_action_units("samm-action-units", "action units of SAMM", ("samm",), subjects={"samm": 29}),
    *_action_units(
        "megc2019-action-units",
        "action units of the clips of CASME II and SAMM in MEGC 2019",
        ("casme2", "samm"),
        clips_of="megc2019-cde",
        clip_totals={"casme2": 145},
        subjects={"casme2": 24, "samm": 28},
    ),
    *_action_units(
        "megc2019-casme2-action-units",
        "action units of the clips of CASME II in MEGC 2019",
        ("casme2",),
        clips_of="megc2019-cde",
        clip_totals={"casme2": 145},
        subjects={"casme2": 24},
    ),
    *_action_units("mmew-action-units", "action units of MMEW", ("mmew",), clip_totals={"mmew": 300}),
    *_action_units("fourdme-action-units", "action units of 4DME", ("fourdme",), clip_totals={"fourdme": 267}),
)
for _protocol in _PUBLISHED:
    PROTOCOLS.add(_protocol.name, _protocol)
