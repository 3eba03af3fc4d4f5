"""Reports of recognition: scores computed from predictions, warnings in every format."""

import dataclasses
import json
import re
import shutil

import pytest

from microexpr.core.errors import MissingDataError, RunError, UnknownNameError
from microexpr.core.progress import no_progress
from microexpr.experiments.options import RunOptions
from microexpr.experiments.recognition_folds import evaluate
from microexpr.experiments.recognition_run import RecognitionRun
from microexpr.experiments.runs import find_runs, run_seeds
from microexpr.metrics.recognition import macro_f1
from microexpr.reports import make_report
from microexpr.reports.summary import summarize
from microexpr.reports.tables import compare_by_protocol


@pytest.fixture(scope="module")
def made(synthetic_datasets, tmp_path_factory):
    """One finished run."""
    from microexpr.recipes import parse_recipe
    from tests.conftest import NETWORK

    options = RunOptions(allow_subset=True, roots={name: dataset.root for name, dataset in synthetic_datasets.items()})
    return evaluate(parse_recipe("test-network", NETWORK), tmp_path_factory.mktemp("report") / "run", options)


def test_scores_are_computed_from_predictions(made):
    summary = summarize([made])
    rows = made.predictions()
    score = macro_f1([r.label for r in rows], [r.predicted for r in rows], made.protocol.classes)
    assert summary.metrics["macro_f1"] == score
    low, high = summary.intervals["macro_f1"]
    assert 0 <= low <= high <= 1 and summary.n_clips == len(rows) and summary.n_subjects == 9
    assert summary.confusion.sum() == summary.n_clips
    assert set(summary.parts) == {"casme2", "samm", "smic"}
    assert sum(n for _, n in summary.subjects_correct.values()) == summary.n_clips


def test_json_has_an_object_for_each_run(made):
    first, second = make_report([made, made]).to_json().splitlines()
    table = json.loads(first)
    assert first == second
    names = {"recipe", "protocol", "n", "subjects", "seeds", "revealed", "metrics", "per_dataset", "confusion"}
    assert names | {"majority", "published"} <= set(table)
    assert table["recipe"] == "test-network" and table["protocol"] == "megc2019-cde" and table["seeds"] == [0]
    assert table["revealed"] == ["onset", "apex", "offset"]
    assert set(table["per_dataset"]["smic"]) >= {"macro_f1", "n", "subjects"}
    assert any(row["leaky"] for row in table["published"].values())


@pytest.mark.parametrize("form", ["markdown", "latex", "html"])
def test_every_format_warns_of_synthetic_faces_and_subsets(made, form):
    text = make_report(made).render(form)
    assert "The faces are synthetic" in text and "SUBSET" in text
    assert "this run (synthetic faces, subset)" in text
    assert "not comparable" in text  # the mark of leaky numbers is explained


def test_the_page_loads_nothing_from_elsewhere(made):
    page = make_report(made).to_html()
    assert not re.search(r"<script|<link|@import|url\((?!#)|src=\"(?!data:)", page)
    assert not re.search(r"https?://(?!www\.w3\.org|purl\.org|creativecommons\.org|matplotlib\.org)", page)
    n_images = len(list((made.folder / "examples").glob("*--*.[pj]*")))
    assert page.count("<img") == n_images + sum(spec.on_page for spec in make_report(made).figures)
    assert "data:image/svg+xml" in page and "smic/s01" in page


def test_latex_escapes_special_characters(made):
    text = make_report(made).to_latex()
    assert r"\begin{tabular}" in text and text.count(r"\begin{table}") == text.count(r"\end{table}")
    assert not re.search(r"(?<!\\)[%_#$](?=[a-z])", "\n".join(x for x in text.splitlines() if not x.startswith("%")))


def test_a_partial_run_has_a_warning(made, tmp_path):
    copy = RecognitionRun.open(shutil.copytree(made.folder, tmp_path / "run"))
    next((copy.folder / "folds").glob("smic.s0*.csv")).unlink()
    summary = summarize([copy])
    assert any(line.startswith("PARTIAL: 8 of 9 folds") for line in summary.warnings)
    assert "partial" in summary.label and not summary.as_dict()["complete"]


def test_a_run_without_a_finished_fold_is_an_error(made, tmp_path):
    copy = RecognitionRun.open(shutil.copytree(made.folder, tmp_path / "run"))
    shutil.rmtree(copy.folder / "folds")
    with pytest.raises(RunError, match="no finished fold"):
        summarize([copy])


@pytest.mark.parametrize(
    ("name", "content"), [("run.json", "{"), ("run.json", "{}"), ("folds/smic.s01.csv", "id\nx\n")]
)
def test_damaged_files_of_runs_are_named(made, tmp_path, name, content):
    folder = shutil.copytree(made.folder, tmp_path / "run")
    (folder / name).write_text(content)
    with pytest.raises(RunError, match="is damaged"):
        summarize(find_runs(folder))


def test_seeds_are_averaged(network, synthetic_datasets, tmp_path):
    options = RunOptions(allow_subset=True, roots={name: dataset.root for name, dataset in synthetic_datasets.items()})
    run_seeds(network, tmp_path / "runs", options, 2, no_progress)
    runs = find_runs(tmp_path / "runs")
    each = [summarize([run]).metrics["macro_f1"] for run in runs]
    both = summarize(runs)
    assert both.metrics["macro_f1"] == pytest.approx(sum(each) / 2)
    assert both.spread["macro_f1"] > 0 and both.as_dict()["seeds"] == [0, 1]


def test_clips_without_a_face_count_as_wrong(made, tmp_path):
    copy = RecognitionRun.open(shutil.copytree(made.folder, tmp_path / "run"))
    rows = copy.fold_predictions("smic/s01")
    silent = [dataclasses.replace(row, predicted="", note="face: not found") for row in rows]
    copy.write("smic/s01", silent)
    summary = summarize([copy])
    assert summary.subjects_correct["smic/s01"] == (0, len(rows))
    assert any(f"no face was found in {len(rows)} of {summary.n_clips} clips" in line for line in summary.warnings)


def test_scores_of_a_run_without_faces_are_worth_nothing(made, tmp_path):
    copy = RecognitionRun.open(shutil.copytree(made.folder, tmp_path / "run"))
    for fold in copy.done():
        silent = [dataclasses.replace(row, predicted="", note="face: not found") for row in copy.fold_predictions(fold)]
        copy.write(fold, silent)
    report = make_report(copy)
    [line] = [line for line in report.warnings if line.startswith("NO FACE")]
    assert line.endswith(
        "(100 %): they got no prediction and count as wrong; the scores of this run say nothing about its recognizer."
    )


def test_wrong_folders_are_errors(made, tmp_path):
    with pytest.raises(UnknownNameError, match="did you mean 'json'"):
        make_report(made).render("jsn")
    with pytest.raises(MissingDataError, match="holds no run"):
        find_runs(tmp_path)


def test_runs_of_one_protocol_are_compared_in_one_table(made, recipe, synthetic_datasets, tmp_path):
    options = RunOptions(allow_subset=True, roots={name: dataset.root for name, dataset in synthetic_datasets.items()})
    other = evaluate(recipe, tmp_path / "run", options)
    [table] = compare_by_protocol([summarize([made]), summarize([other])])
    assert [row[0].split(":")[0] for row in table.rows[:3]] == ["test of a network", "test", "majority baseline"]
    assert all("subset" in row[0] for row in table.rows[:2])
    assert len(table.rows) == 3 + len([row for row in summarize([made]).published if not row.part])
    assert "<h2>Comparison</h2>" in make_report([made, other]).to_html()


@pytest.mark.parametrize(
    ("name", "start"),
    [("r.json", "{"), ("r.md", "## "), ("r.tex", "% needs"), ("r.html", "<!doctype"), ("r.txt", "\n")],
)
def test_a_report_is_saved_in_the_format_of_its_suffix(made, tmp_path, name, start):
    assert make_report(made).save(tmp_path / name).read_text().lstrip("\n ").startswith(start.strip())


def test_a_suffix_without_a_format_is_an_error(made, tmp_path):
    with pytest.raises(UnknownNameError, match=r"\.htm"):
        make_report(made).save(tmp_path / "report.htm")


def test_the_data_frame_has_a_row_for_each_score(made):
    report = make_report(made)
    table = report.to_dataframe()
    whole = table[table["part"] == ""].set_index("metric")
    assert whole["score"].to_dict() == report.data[0]["metrics"]
    assert whole.loc["macro_f1", "low"] <= whole.loc["macro_f1", "high"]
    assert set(table["part"]) == {"", "casme2", "samm", "smic"}


def test_a_notebook_shows_the_page_in_a_frame(made):
    shown = make_report(made)._repr_html_()
    assert shown.startswith("<iframe srcdoc=") and "&lt;!doctype html&gt;" in shown


def test_seeds_of_one_recipe_are_one_report(made, tmp_path):
    folder = shutil.copytree(made.folder, tmp_path / "run")
    metadata = json.loads((folder / "run.json").read_text())
    (folder / "run.json").write_text(json.dumps({**metadata, "seed": 1}))
    other = RecognitionRun.open(folder)
    assert make_report([made, other]).data[0]["seeds"] == [0, 1]
    assert len(make_report([made, made]).parts) == 2
