"""Published numbers are consistent with each other and have a source."""

import numpy as np
import pytest

from microexpr import metrics as m
from microexpr.protocols import PROTOCOLS
from microexpr.reports.published import all_published, published, published_samples, rows_of

FIVE = ("I", "II", "III", "IV", "V")
DIRECTIONS = {"casme2-to-samm": "samm", "samm-to-casme2": "casme2"}
OUTSIDE = {"peng2018-macro", "casme-emotions", "samm-emotions", "smic-3"}  # printed, but no protocol here


def one(method="x", **keys):
    return {
        "protocol": "p",
        "source": "s",
        "columns": ["macro_f1"],
        "rows": [{"method": method, "values": [0.5]}],
        **keys,
    }


def printed_counts():
    return {sample.part: dict(sample.counts) for sample in published_samples("megc2018-cde")}


def test_every_row_has_a_source_and_a_protocol():
    for row in all_published():
        assert row.source and row.metrics
        assert row.protocol in {*PROTOCOLS.names(), *OUTSIDE}
        names = m.UNIT_METRICS if row.protocol == "cd6me" else m.METRICS
        assert all(name in names and 0 <= value <= 1 for name, value in row.metrics.items())


def test_every_part_is_one_of_its_protocol():
    for row in all_published():
        if row.part:
            rules = PROTOCOLS.get(row.protocol)
            units = {"data sets", *(f"AU {unit}" for unit in rules.classes)} if rules.multilabel else set()
            assert row.part in {*DIRECTIONS, *rules.datasets, *units}


def test_no_row_is_duplicated():
    keys = [(row.protocol, row.part, row.method, row.source) for row in all_published()]
    assert len(set(keys)) == len(keys)


@pytest.mark.parametrize("part", DIRECTIONS)
def test_counts_have_the_printed_percentages(part):
    row = published("megc2018-hde", part)[0]
    matrix = np.array(row.confusion)
    assert 100 * matrix / matrix.sum(axis=1, keepdims=True) == pytest.approx(np.array(row.percent), abs=0.00501)


@pytest.mark.parametrize(("part", "dataset"), DIRECTIONS.items())
def test_matrices_have_the_protocols_counts(part, dataset):
    matrix = np.array(published("megc2018-hde", part)[0].confusion)
    assert dict(zip(FIVE, matrix.sum(axis=1).tolist(), strict=True)) == printed_counts()[dataset]


def test_protocols_have_the_published_counts():
    assert PROTOCOLS.get("megc2018-cde").counts == printed_counts()
    assert published_samples("megc2019-cde") == ()


def test_every_difference_of_printed_numbers_of_clips_is_known():
    known = {
        ("Devanaboyina 2021, Table 1", "surprise"): 28 - 25,
        ("Devanaboyina 2021, Table 1", "sadness"): 4 - 7,
        ("Devanaboyina 2021, section III", "disgust"): 60 - 63,
    }
    found = {}
    for sample in (*published_samples("megc2018-samm"), *published_samples("casme2-3-holdout")):
        release = PROTOCOLS.get(sample.protocol).counts[sample.part]
        found |= {(sample.source, label): n - release[label] for label, n in sample.counts.items()}
    assert {key: n for key, n in found.items() if n} == known
    table_1 = next(sample for sample in published_samples("casme2-7") if sample.source.endswith("Table 1"))
    assert sum(table_1.counts.values()) == 255


@pytest.mark.parametrize(("name", "clips"), [("samm", 68), ("casme2", 185)])
def test_accuracies_of_the_baselines_of_tables_5_and_6_are_no_whole_numbers_of_clips(name, clips):
    rows = [row for row in published(f"megc2018-{name}") if "Davison" in row.source]
    assert [row.method for row in rows] == ["LBP-TOP", "HOOF", "HOG3D"]
    for row in rows:
        accuracy = row.metrics["fold_mean_accuracy"]
        assert "weighted_average_recall" not in row.metrics
        assert min(abs(accuracy - n / clips) for n in range(clips + 1)) > 5e-5


def test_the_baseline_of_casme2_stands_beside_method_7_with_its_own_split():
    rows = [row for row in all_published() if row.source == "Yan et al. 2014"]
    assert {row.protocol for row in rows} == {"casme2-5-leave-one-video-out-leaking", "casme2-5", "casme2-3"}
    for row in rows:
        assert row.leaky and row.metrics["weighted_average_recall"] == pytest.approx(156 / 246, abs=5.1e-5)


@pytest.mark.parametrize("part", DIRECTIONS)
def test_matrices_have_the_printed_scores(part):
    row = published("megc2018-hde", part)[0]
    pairs = m.expand_confusion_matrix(row.confusion, FIVE)
    for name, value in row.metrics.items():
        assert m.METRICS.get(name).function(*pairs, FIVE) == pytest.approx(value, abs=5.1e-4)


def test_table_4_is_the_mean_of_tables_2_and_3():
    whole = next(row for row in published("megc2018-hde", "") if row.method.startswith("Peng"))
    for name, value in whole.metrics.items():
        each = [published("megc2018-hde", part)[0].metrics[name] for part in DIRECTIONS]
        assert np.mean(each) == pytest.approx(value, abs=1.1e-3)


@pytest.mark.parametrize(("name", "right", "n"), [("samm", 48, 68), ("casme2", 140, 185), ("cde", 189, 253)])
def test_accuracies_of_tables_5_to_7_are_whole_numbers_of_clips(name, right, n):
    row = next(r for r in published(f"megc2018-{name}") if r.method.startswith("Peng") and f"{right} of {n}" in r.note)
    assert row.metrics["weighted_average_recall"] == pytest.approx(right / n, abs=5.1e-5)


def test_a_row_belongs_to_its_part():
    assert {row.part for row in published("megc2019-cde")} == {"", "smic", "casme2", "samm"}
    assert all(row.part == "smic" for row in published("megc2019-cde", "smic"))
    assert published("no such protocol") == ()


def test_leaky_numbers_are_marked():
    marked = {row.method for row in all_published() if row.leaky}
    assert {"HTNet", "CausalNet", "CapsuleNet"} <= marked


def test_choosing_the_epoch_on_the_test_subject_raises_the_score():
    rows = [row for row in published("megc2019-cde") if row.source.endswith("Table 3")]
    assert len(rows) == 16
    for fair in (row for row in rows if not row.leaky):
        name = fair.method.split(" ")[0]
        raised = next(row for row in rows if row.leaky and row.part == fair.part and row.method.startswith(name))
        assert raised.metrics["macro_f1"] > fair.metrics["macro_f1"]


def test_published_means_of_cd6me_are_those_of_their_units_and_data_sets():
    rules = PROTOCOLS.get("cd6me")
    methods = {row.method for row in published("cd6me", "AU 1")}
    assert len(methods) == 8
    for method in methods:
        f1 = {row.part: row.metrics["f1"] for row in published("cd6me") if row.method == method}
        assert np.mean([f1[f"AU {unit}"] for unit in rules.classes]) == pytest.approx(f1[""], abs=8e-4)
        assert np.mean([f1[dataset] for dataset in rules.datasets]) == pytest.approx(f1["data sets"], abs=8e-4)


@pytest.mark.parametrize(
    ("table", "text"),
    [
        (one(columns=["f2"]), "p / x: unknown metric 'f2'"),
        (one(columns=[]), "give one a column"),
        (one(source=""), "'source' is missing"),
        (one(sauce="s"), "unknown key 'sauce'"),
        (one(leaky="yes"), "leaky = 'yes'"),
        (one(rows=[{"method": "x", "values": [63.4]}]), "between 0 and 1"),
        (one(rows=[{"method": "x", "values": [float("nan")]}]), "'metrics' is missing"),
        (one(rows=[{"method": "x", "values": [0.5]}] * 2), "there twice"),
        (one(parts=["a", "b"]), "1 lists of values for 2 parts"),
    ],
)
def test_a_malformed_row_is_named(table, text):
    with pytest.raises(ValueError, match=text):
        rows_of([table])
