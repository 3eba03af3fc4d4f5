"""Reports of recognition: scores computed from predictions, warnings in every format."""

import dataclasses
import io
import json
import re
import shutil

import pytest
from rich.console import Console

from microexpr.core.errors import MissingDataError, RunError, UnknownNameError
from microexpr.core.progress import no_progress
from microexpr.experiments._action_unit_run import ActionUnitsRun
from microexpr.experiments.options import RunOptions
from microexpr.experiments.recognition_folds import evaluate
from microexpr.experiments.recognition_run import RecognitionRun
from microexpr.experiments.runs import find_runs, run_seeds
from microexpr.metrics.recognition import macro_f1
from microexpr.reports import make_report
from microexpr.reports.formats.terminal import print_report
from microexpr.reports.summary import summarize
from microexpr.reports.tables import LEAKY, compare_by_protocol, format_score


@pytest.fixture(scope="module")
def made(synthetic_datasets, tmp_path_factory):
    """One finished run."""
    from microexpr.recipes import parse_recipe
    from tests.conftest import NETWORK

    options = RunOptions(allow_subset=True, roots=synthetic_datasets.roots)
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


def printed(report, width: int = 80, everything: bool = False) -> str:
    text = io.StringIO()
    print_report(report, Console(file=text, width=width), everything)
    return text.getvalue()


def test_the_terminal_ends_with_the_score(made):
    report = make_report(made)
    text = printed(report)
    assert text.splitlines()[-1].strip() == "all folds pooled; classes: negative, positive, surprise"
    assert text.rindex("by class") < text.rindex("confusion matrix, test") < text.rindex("by data set")
    assert text.rindex("by data set") < text.rindex("The faces are synthetic") < text.rindex("UF1")
    assert max(map(len, text.splitlines())) <= 80 or "SUBSET" in text


def test_the_terminal_shows_the_nearest_published_numbers_and_all_on_demand(made):
    report = make_report(made)
    short, whole = printed(report), printed(report, everything=True)
    published = next(table for table in report.tables if table.title == "beside published numbers")
    rows = [published.rows[i] for i in published.brief]
    assert [row[0] for row in rows][:2] == ["this run (synthetic faces, subset)", "majority baseline"]
    scores = sorted((row[2] for row in published.rows[2:] if LEAKY not in row[0]), reverse=True)
    assert set(scores[:3]) <= {row[2] for row in rows}  # the best that can be compared, by UF1
    assert f"{len(published.rows) - len(rows)} more published rows, and those of single data sets: --published" in short
    assert "beside published numbers, smic" in whole and "beside published numbers, smic" not in short
    assert len(short.splitlines()) < 100 < len(whole.splitlines()) and "--published" not in whole
    assert "beside published numbers, smic" in report.render("terminal")  # a file does not scroll


def test_a_latex_caption_states_the_warnings_once(made):
    text = make_report(made).to_latex()
    captions = [line for line in text.splitlines() if line.startswith(r"\caption")]
    assert len(captions) > 6 and sum("never that it recognizes emotions" in line for line in captions) == 1
    assert "never that it recognizes emotions" in captions[0]
    assert all(r"(synthetic faces, subset: see Table~\ref{tab:test-network})" in line for line in captions[1:])
    assert text.count(r"\label{tab:test-network}") == 1
    labels = re.findall(r"\\label\{(.*?)\}", text)
    assert len(labels) == len(set(labels)) == len(captions)


def test_each_data_set_has_its_interval_and_its_majority_baseline(made):
    summary = summarize([made])
    table = next(table for table in make_report(made).tables if table.title == "by data set")
    assert table.columns == ("", "clips", "subjects", "UF1", "95 %", "UAR", "95 %")
    assert [row[0] for row in table.rows[::2]] == ["casme2", "samm", "smic"]
    assert {row[0] for row in table.rows[1::2]} == {"majority baseline"}
    own = [row for row in made.predictions() if row.dataset == "smic"]
    labels = [row.label for row in own]
    largest = max(made.protocol.classes, key=labels.count)
    expected = macro_f1(labels, [largest] * len(own), made.protocol.classes)
    assert summary.part_baseline["smic"]["macro_f1"] == expected
    assert table.rows[5] == ("majority baseline", "", "", format_score(expected), "", ".333", "")
    low, high = summary.part_intervals["smic"]["macro_f1"]
    assert low <= summary.parts["smic"]["macro_f1"] <= high and low < high
    assert table.rows[4][4] == f"{format_score(low)} to {format_score(high)}"
    beside = next(t for t in make_report(made).tables if t.title == "beside published numbers, smic")
    assert beside.rows[1][0] == "majority baseline" and format_score(expected) in beside.rows[1]
    record = json.loads(make_report(made).to_json())["per_dataset"]["smic"]
    assert record["majority"]["macro_f1"] == expected and record["intervals"]["macro_f1"] == [low, high]


def test_settings_name_the_chain_the_recognizer_and_the_labels(recipe, synthetic_datasets, tmp_path):
    options = RunOptions(allow_subset=True, roots=synthetic_datasets.roots)
    clips = [clip for clip in synthetic_datasets["megc2019"].clips() if clip.labels.get("emotion")]
    labels = tmp_path / "mine.csv"
    labels.write_text("clip,label\n" + "".join(f"{clip.id},{clip.labels['emotion']}\n" for clip in clips))
    run = evaluate(recipe, tmp_path / "run", dataclasses.replace(options, labels=labels))
    settings = dict(make_report(run).tables[-1].rows)
    assert settings["recognizer"] == "svm (C = 10.0)" and settings["labels"] == "mine.csv"
    assert settings["chain"] == "load-image, then scale (subtract = 127.5, divide = 127.5)"
    assert "svm (C = 10.0)" in make_report(run).to_html()


def test_a_report_of_still_images_reveals_no_times(made, tmp_path):
    copy = shutil.copytree(made.folder, tmp_path / "run")
    table = json.loads((copy / "run.json").read_text())
    (copy / "run.json").write_text(json.dumps({**table, "stills": True}))
    report = make_report(RecognitionRun.open(copy))
    assert report.subtitle.endswith("Every clip is one image: there is no onset, apex or offset to reveal.")
    assert report.data[0]["revealed"] == [] and "Revealed" in make_report(made).subtitle


def test_runs_of_several_kinds_and_runs_without_a_result_stand_in_one_report(made, tmp_path):
    shutil.copytree(made.folder, tmp_path / "suite" / "one")
    shutil.copytree(made.folder, tmp_path / "suite" / "two" / "seed-0")
    other = shutil.copytree(made.folder, tmp_path / "suite" / "three")
    shutil.rmtree(other / "folds")
    found = find_runs(tmp_path / "suite")
    assert [run.folder.name for run in found] == ["one", "three", "seed-0"]
    report = make_report(found)
    assert report.warnings[0] == f"PARTIAL: '{other}' has no result yet." and len(report.parts) == 2
    with_units = make_report([made, unit_run(made, tmp_path / "units")])
    assert with_units.title == "2 runs of 2 kinds" and [part.name for part in with_units.parts] == ["test-network"] * 2
    assert "The faces are synthetic" in with_units.to_html() and "mean AUC" in with_units.to_markdown()


def unit_run(made, folder):
    """The same clips, of each of which the action unit 12 is predicted."""
    shutil.copytree(made.folder, folder)
    table = json.loads((folder / "run.json").read_text())
    units = {"label": "action_units", "classes": ["4", "12"], "multilabel": True, "counts": {}, "label_map": {}}
    units["primary_metrics"] = ["auc", "f1"]
    table = {**table, "kind": "action-units", "protocol": {**table["protocol"], **units}}
    (folder / "run.json").write_text(json.dumps(table))
    shutil.rmtree(folder / "train_confusion")
    run = ActionUnitsRun.open(folder)
    for fold in run.unit_names:
        rows = [
            dataclasses.replace(row, label="12" if i % 2 else "4", predicted="12", probabilities=(0.5,) * 34)
            for i, row in enumerate(made.fold_predictions(fold))
        ]
        run.write(fold, rows)
    return run


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
    options = RunOptions(allow_subset=True, roots=synthetic_datasets.roots)
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
    options = RunOptions(allow_subset=True, roots=synthetic_datasets.roots)
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
