"""Comparisons of recipes that each have their own protocol, and published accuracies beside the majority baseline."""

import dataclasses
import shutil

import pytest
from rich.console import Console

from microexpr.experiments.options import RunOptions
from microexpr.experiments.recognition_folds import evaluate
from microexpr.experiments.recognition_run import RecognitionRun
from microexpr.protocols import PROTOCOLS
from microexpr.recipes import load_recipe, load_recipes, parse_recipe, shipped_recipes
from microexpr.reports import make_report
from microexpr.reports.formats.terminal import print_report
from microexpr.reports.majority import exactly_majority, majority_of
from microexpr.reports.overview import comparison_tables, overview, published_of_recipes
from microexpr.reports.published import all_published
from microexpr.reports.summary import summarize
from microexpr.reports.warnings import join_warnings

RECIPE = """
title = "%s"
[[stages]]
name = "micro"
data = ["casme2"]
protocol = "%s"
chain = [{ name = "onset-apex" }, { name = "flow", estimator = "dis" }, { name = "resize", size = 8 }]
recognizer = { name = "%s" }
"""


@pytest.fixture(scope="module")
def runs(synthetic_datasets, tmp_path_factory):
    """One run under each of two protocols: a support vector machine and the majority baseline."""
    folder = tmp_path_factory.mktemp("suite")
    options = RunOptions(allow_subset=True, roots={"casme2": synthetic_datasets["casme2"].root})
    many = [("devanaboyina2021-method7", "casme2-3", "svm"), ("baseline", "casme2-7", "majority")]
    found = [evaluate(parse_recipe(name, RECIPE % (name, *rest)), folder / name, options) for name, *rest in many]
    for path in [path for run in found for path in sorted((run.folder / "examples").glob("*.npz"))[1:]]:
        path.unlink()  # drawing one clip of each run is enough
    return found


def always(run, label, folder):
    """A copy of a run that predicts one label for every clip."""
    copy = RecognitionRun.open(shutil.copytree(run.folder, folder))
    for fold in copy.done():
        copy.write(fold, [dataclasses.replace(row, predicted=label) for row in copy.fold_predictions(fold)])
    return copy


def test_rows_have_their_own_protocol_and_majority_baseline(runs):
    both = [summarize([run]) for run in runs]
    table, printed = comparison_tables(both)
    assert [row[1] for row in table.rows] == ["casme2-3", "casme2-7"]
    for row, summary in zip(table.rows, both, strict=True):
        assert row[2:4] == (str(summary.n_clips), str(len(summary.protocol.classes)))
        assert float(row[5]) == pytest.approx(summary.baseline["weighted_average_recall"], abs=5e-4)
        assert float(row[6]) == pytest.approx(summary.metrics["macro_f1"], abs=5e-4)
    assert [row[9] for row in table.rows] == [".609", "none"] and table.rows[1][8] == "by design"
    assert "synthetic faces, subset" in table.title and "75 % on the training set" in printed.rows[0][-1]


def test_the_member_of_a_suite_has_the_published_scores_of_its_recipe(runs):
    summary = summarize([runs[0]])
    recipe = {**summary.run.metadata.recipe, "name": "devanaboyina2021-method7-casme2-3"}
    member = RecognitionRun(summary.run.folder, dataclasses.replace(summary.run.metadata, recipe=recipe))
    renamed = dataclasses.replace(summary, runs=(member,))
    [row] = overview([renamed]).rows
    assert row[0].startswith("devanaboyina2021-method7") and row[1] == "casme2-3" and row[9] == ".609"
    assert not row[0].endswith("casme2-3")  # its column says it
    assert [row[3] for row in published_of_recipes([renamed]).rows] == [".609"]


def test_a_terminal_shows_every_published_row_where_they_are_few(runs, capsys):
    print_report(make_report(runs[0]), Console(width=200))
    text = capsys.readouterr().out
    assert "Devanaboyina 2021 puts beside method 7†" in text and "more published rows" not in text


def test_printed_numbers_of_clips_stand_beside_those_of_the_release(runs):
    text = make_report(runs[0]).to_markdown()
    table_1 = text[text.index("clips of casme2 in Devanaboyina 2021, Table 1") :]
    assert "| surprise | 28 | 25 | +3 |" in table_1 and "| sadness | 4 | 7 | -3 | 0 |" in table_1
    section = text[text.index("clips of casme2 in Devanaboyina 2021, section III") :]
    assert "| disgust | 60 | 63 | -3 | 0 |" in section and "| sadness | 7 | 7 |  | 0 |" in section
    assert "LBP-TOP (CASME II baseline), which Devanaboyina 2021 puts beside method 7†" in text


def test_a_run_that_leaves_one_video_out_says_that_it_leaks(synthetic_datasets, tmp_path):
    options = RunOptions(allow_subset=True, roots={"casme2": synthetic_datasets["casme2"].root})
    recipe = parse_recipe("yan2014-lbp-top", RECIPE % ("x", "casme2-5-leave-one-video-out-leaking", "majority"))
    report = make_report(evaluate(recipe, tmp_path / "run", options))
    [line] = [line for line in report.warnings if line.startswith("LEAKS")]
    assert "other clips of the test clip's subject are trained on in every fold" in line
    assert "LBP-TOP (CASME II baseline)† | .634 |" in report.to_markdown()


def test_a_caveat_of_one_run_is_in_its_row(runs, tmp_path):
    copy = RecognitionRun.open(shutil.copytree(runs[0].folder, tmp_path / "run"))
    next((copy.folder / "folds").glob("*.csv")).unlink()
    table = overview([summarize([copy]), summarize([runs[1]])])
    assert table.rows[0][0].endswith("(partial)") and "partial" not in table.rows[1][0] + table.title


def test_methods_that_predict_one_class_only_are_named(runs, tmp_path):
    dull = always(runs[0], "surprise", tmp_path / "run")
    table = overview([summarize([dull]), summarize([runs[1]])])
    assert table.rows[0][8] == "yes"
    assert 'Collapsed to one class: devanaboyina2021-method7 (every prediction is "surprise").' in table.note
    assert "Collapsed to one class: none." in overview([summarize([runs[1]])]).note
    warnings = make_report([dull, runs[1]]).warnings
    assert any("synthetic" in line for line in warnings)
    assert any(line.startswith("devanaboyina2021-method7: COLLAPSED") for line in warnings)


def test_seeds_that_predict_one_class_only_are_counted_and_said_in_one_line(runs, tmp_path):
    dull = [always(runs[0], "surprise", tmp_path / str(seed)) for seed in range(2)]
    seeds = [*dull, runs[0]]
    seeds = [RecognitionRun(run.folder, dataclasses.replace(run.metadata, seed=n)) for n, run in enumerate(seeds)]
    table = overview([summarize(seeds), summarize([runs[1]])])
    assert table.rows[0][8] == "2 of 3 seeds"
    assert '(every prediction is "surprise" with 2 of 3 seeds)' in table.note
    [line] = [line for line in make_report(seeds).warnings if line.startswith("COLLAPSED")]
    assert line.startswith("COLLAPSED (seeds 0, 1): every prediction is")


def test_a_suite_of_several_protocols_begins_with_the_table_of_all(runs, tmp_path):
    protocol = {"casme2-3": runs[0], "casme2-7": runs[1]}
    many = []
    for name, run in protocol.items():
        for number in range(3):
            recipe = {**run.metadata.recipe, "name": f"{name}-{number}", "title": f"{name} {number}"}
            facts = dataclasses.replace(run.metadata, recipe=recipe, key=f"{name}-{number}")
            many.append(RecognitionRun(run.folder, facts))
    titles = [table.title for table in make_report(many).tables]
    assert titles[0].startswith("6 runs, each under its own protocol")
    assert [title.startswith("leaderboard") for title in titles[1:3]] == [True, True]


def test_a_suite_has_a_table_for_each_protocol(runs):
    same = [dataclasses.replace(s, runs=s.runs) for s in (summarize([runs[0]]), summarize([runs[0]]))]
    [table] = comparison_tables(same)
    assert table.title == runs[0].protocol.title and table.n_own == 2


@pytest.mark.parametrize("form", ["markdown", "latex", "html"])
def test_every_format_starts_with_the_comparison(runs, form):
    text = make_report(runs).render(form)
    assert 0 <= text.index("2 runs, each under its own protocol") < text.index("beside published")
    assert "published scores of these recipes" in text


def test_the_terminal_names_the_recipe_of_a_warning(runs, tmp_path, capsys):
    dull = always(runs[0], "surprise", tmp_path / "run")
    print_report(make_report([dull, runs[1]]), Console(width=140))
    assert "devanaboyina2021-method7: COLLAPSED: every prediction" in capsys.readouterr().out


def test_a_warning_of_several_runs_is_said_once_with_their_names():
    groups = [(name, ["of all", *(["of many"] if name != "e" else ["of one"])]) for name in "abcde"]
    assert join_warnings(groups) == (["of all"], ["a, b and 2 more runs: of many", "e: of one"])


def test_a_published_accuracy_equal_to_the_majority_is_noted():
    majority = majority_of("casme2-3-holdout")
    assert majority is not None and (majority.label, majority.clips, majority.total) == ("happiness", 32, 84)
    [line] = exactly_majority(all_published())  # no other row of any paper
    assert (
        line.startswith("method 5") and "the printed 38 % is exactly that of the majority class, 32 of 84 clips" in line
    )
    assert majority_of("megc2018-hde") is None  # a mean of folds
    assert majority_of("peng2018-macro") is None  # MUG is counted as a whole only


def test_published_accuracies_have_their_majority_baseline(runs):
    summary = summarize([runs[0]])
    names = {f"devanaboyina2021-method{n}" for n in range(1, 8)}
    found = {row.metrics["weighted_average_recall"] for row in all_published() if row.recipe in names}
    assert found == {0.2, 0.38, 0.6, 0.51, 0.609}
    header = dataclasses.replace(
        summary.run.metadata, recipe={**summary.run.metadata.recipe, "name": "devanaboyina2021-method6"}
    )
    renamed = RecognitionRun(summary.run.folder, header)
    rows = published_of_recipes([dataclasses.replace(summary, runs=(renamed,))]).rows
    assert [(row[1], row[3], row[4]) for row in rows] == [
        ("casme2-3-holdout", ".600", ".381"),
        ("casme2-5a-holdout", ".510", ".409"),
    ]
    assert 'majority baseline | .381 | all 84 published clips ("happiness")' in make_report(runs[0]).to_markdown()


def test_rows_of_papers_name_shipped_recipes_of_their_data_sets():
    named = [row for row in all_published() if row.recipe]
    assert named and {row.recipe for row in named} <= set(shipped_recipes())
    for row in named:
        recipe = load_recipe(row.recipe)
        own = row.protocol in recipe.protocols  # of a release that has the clips of several data sets
        assert own or set(recipe.datasets) & set(PROTOCOLS.get(row.protocol).datasets), row


@pytest.mark.parametrize("paper", ["peng2018", "devanaboyina2021"])
def test_the_suite_of_a_papers_methods_has_each_under_its_protocols(paper):
    members = load_recipes(f"methods-of-{paper}")
    protocols = {"peng2018": ["megc2018-hde", "megc2018-cde"], "devanaboyina2021": ["casme2-5"]}[paper]
    assert len({member.name for member in members}) == len(members) and len(members) % len(protocols) == 0
    assert {protocol for member in members for protocol in member.protocols} == set(protocols)
    assert {(member.quick.subjects, member.quick.image_scale) for member in members} == {(4, 0.4)}  # the same clips


def test_a_suite_shows_what_was_published_elsewhere(runs):
    """Scores of the same recipes under other protocols, beside those of the suite's own."""
    summary = summarize([runs[0]])
    recipe = {**summary.run.metadata.recipe, "name": "liu2016-mdmo"}
    named = RecognitionRun(summary.run.folder, dataclasses.replace(summary.run.metadata, recipe=recipe))
    tables = comparison_tables([dataclasses.replace(summary, runs=(named,))] * 2)
    [elsewhere] = [table for table in tables if table.title == "published scores of these recipes"]
    assert {row[1] for row in elsewhere.rows} == {"casme2-5", "casme2-7"}


def test_figures_are_written_with_captions(runs, tmp_path):
    count = make_report(runs[0]).save_figures(tmp_path)
    assert len(list(tmp_path.glob("*.png"))) == len(list(tmp_path.glob("*.svg"))) == count
    captions = (tmp_path / "captions.md").read_text()
    assert all(f"**{path.stem}**: " in captions for path in tmp_path.glob("*.png"))
    assert "The faces are synthetic" in captions and "SUBSET" in captions
