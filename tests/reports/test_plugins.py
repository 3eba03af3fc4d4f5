"""One more metric, format and kind of report, registered outside the package."""

import json
from types import SimpleNamespace

import pytest

from microexpr.cli.main import main as cli
from microexpr.core import registry
from microexpr.core.errors import UsageError
from microexpr.experiments.options import RunOptions
from microexpr.experiments.recognition_folds import evaluate
from microexpr.metrics import METRICS
from microexpr.recipes import parse_recipe
from microexpr.reports import REPORT_FORMATS, REPORTS, Report, Table, make_report
from tests.conftest import RECIPE

PLUGIN = '''
"""A plug-in with a metric and a format of reports."""

from microexpr.metrics import METRICS, Metric, confusion_matrix
from microexpr.reports import REPORT_FORMATS, ReportFormat


def error_rate(y_true, y_pred, classes):
    """Wrong clips / clips, 0 to 1."""
    return 1 - confusion_matrix(y_true, y_pred, classes).trace() / len(y_true)


METRICS.add("error_rate", Metric("error_rate", "error rate", error_rate, higher_is_better=False))
REPORT_FORMATS.add("titles", ReportFormat(".titles", "titles only", lambda report: f"{report.title}\\n"))
'''


@pytest.fixture(scope="module")
def run(synthetic_datasets, tmp_path_factory):
    """A finished run of recognition."""
    options = RunOptions(allow_subset=True, roots={"megc2019": synthetic_datasets["megc2019"].root})
    return evaluate(parse_recipe("test", RECIPE), tmp_path_factory.mktemp("run") / "run", options)


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """The plug-in's file; what it registers is gone after the test."""
    for names in (METRICS, REPORT_FORMATS, REPORTS):
        monkeypatch.setattr(names, "_entries", dict(names))
    path = tmp_path / "my_plugin.py"
    path.write_text(PLUGIN)
    yield path
    if path in registry.loaded_plugins:
        registry.loaded_plugins.remove(path)


def call(capsys, *arguments):
    with pytest.raises(SystemExit) as stopped:
        cli(list(map(str, arguments)))
    assert not stopped.value.code, capsys.readouterr().err
    return capsys.readouterr().out


def test_a_metric_of_a_plugin_is_in_every_report(run, plugin):
    registry.load_plugin(plugin)
    report = make_report(run)
    record = json.loads(report.to_json())
    assert record["metrics"]["error_rate"] == pytest.approx(1 - record["metrics"]["weighted_average_recall"])
    low, high = record["intervals"]["error_rate"]
    assert 0 <= low <= record["metrics"]["error_rate"] <= high <= 1
    assert "| error rate | " in report.to_markdown()
    assert "error_rate" in set(report.to_dataframe()["metric"])


def test_a_format_and_a_metric_of_a_plugin_are_used_by_the_command_line(run, plugin, capsys):
    text = call(capsys, "report", run.folder, "--plugin", plugin, "--format", "titles")
    assert text.strip() == "test"
    assert "error rate" in call(capsys, "report", run.folder, "--plugin", plugin)


def test_a_format_of_a_plugin_is_chosen_by_the_suffix_of_a_file(run, plugin, tmp_path):
    registry.load_plugin(plugin)
    path = make_report(run).save(tmp_path / "report.titles")
    assert path.read_text() == "test\n"


def test_another_kind_of_task_registers_its_report(plugin):
    def report_gaze(runs):
        rows = tuple((run.name, "12") for run in runs)
        return Report("gaze", tables=(Table("found", ("", "degrees"), rows),), data=({"n": len(runs)},))

    REPORTS.add("gaze", report_gaze)
    report = make_report([SimpleNamespace(kind="gaze", name="first")])
    assert json.loads(report.to_json()) == {"n": 1}
    for name, _ in REPORT_FORMATS:
        assert report.render(name)
    assert "| first | 12 |" in report.to_markdown()


def test_no_run_is_an_error():
    with pytest.raises(UsageError, match="no run"):
        make_report([])
