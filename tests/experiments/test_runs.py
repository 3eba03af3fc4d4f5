"""run_recipe and what it returns: one run or several, continued when called again; a third task as a plug-in."""

import json

import pytest

from microexpr.core.errors import RecipeError, RunError, UsageError
from microexpr.core.progress import no_progress
from microexpr.core.registry import load_plugin, loaded_plugins
from microexpr.experiments.base import TASKS
from microexpr.experiments.options import RunOptions
from microexpr.experiments.run_folder import fold_seed
from microexpr.experiments.runs import Runs, default_folder, find_runs, open_run, run_recipe
from microexpr.recipes import RECIPE_KINDS, load_recipes, parse_recipe
from microexpr.recognizers.network import Network
from microexpr.recognizers.svm import SVM

SUITE = """
[suite]
recipes = ["megc2019-majority", "megc2019-svm"]
"""


@pytest.fixture
def arguments(synthetic_datasets):
    roots = {name: synthetic_datasets[name].root for name in ("megc2019", "samm", "smic")}
    return {"roots": roots, "allow_subset": True, "progress": False}


def test_run_recipe_runs_continues_and_takes_settings(recipe, arguments, tmp_path):
    run = run_recipe(recipe, tmp_path / "run", set={"recognizer.C": 3}, **arguments)
    assert run.complete and run.metadata.recipe["stages"][0]["recognizer"]["C"] == 3
    files = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").rglob("*") if path.is_file()}
    again = run_recipe(recipe, str(tmp_path / "run"), set={"recognizer.C": 3}, **arguments)
    assert {path: path.stat().st_mtime_ns for path in again.folder.rglob("*") if path.is_file()} == files
    with pytest.raises(RunError, match="holds another run"):
        run_recipe(recipe, tmp_path / "run", **arguments)


def test_predictions_as_a_table(recipe, arguments, tmp_path):
    run = run_recipe(recipe, tmp_path / "run", **arguments)
    table = run.to_dataframe()
    probabilities = ["p_negative", "p_positive", "p_surprise"]
    assert list(table) == ["fold", "id", "dataset", "subject", "label", "predicted", *probabilities, "note"]
    assert len(table) == len(run.predictions()) and table[probabilities].sum(axis=1).sub(1).abs().max() < 1e-5
    assert "9 of 9 folds done" in repr(run) and "<table" in run._repr_html_()


def test_several_seeds_give_runs(recipe, arguments, tmp_path):
    runs = run_recipe(recipe, tmp_path / "runs", seeds=2, **arguments)
    assert isinstance(runs, Runs) and [run.metadata.seed for run in runs] == [0, 1]
    assert [run.folder for run in find_runs(tmp_path / "runs")] == [run.folder for run in runs]
    assert set(runs.to_dataframe()["seed"]) == {0, 1} and "<table" in runs._repr_html_()
    assert len(runs.by_recipe()) == 1 and runs.kind == "recognition"


def test_several_seeds_are_trained_together_as_each_alone(network, arguments, tmp_path, monkeypatch):
    counts, fit_many = [], Network.fit_many

    def counted(cls, fits):
        counts.append(len(fits))
        return fit_many(fits)

    monkeypatch.setattr(Network, "fit_many", classmethod(counted))
    both = run_recipe(network, tmp_path / "both", seeds=2, executor="batched", **arguments)
    options = RunOptions(executor="batched", seed=1, roots=arguments["roots"], allow_subset=True)
    alone = TASKS.get("recognition")().run(network, tmp_path / "alone", options, no_progress)
    assert both[1].to_dataframe().equals(alone.to_dataframe())
    assert not both[0].to_dataframe().equals(alone.to_dataframe())
    assert both[1].metadata.identity == alone.metadata.identity and both[0].metadata.seed == 0
    both[1].unit_path(both[1].unit_names[3]).unlink()
    again = run_recipe(network, tmp_path / "both", seeds=2, executor="batched", **arguments)
    assert again.to_dataframe().equals(both.to_dataframe())
    folds = len(alone.unit_names)
    assert counts == [2 * folds, folds, 1]


def test_a_failed_fold_of_one_seed_leaves_the_other_seeds_complete(recipe, arguments, tmp_path, monkeypatch):
    fit, failing = SVM._fit, run_recipe(recipe, tmp_path / "first", **arguments).unit_names[2]

    def fail(self, *data):
        if self.seed == fold_seed(0, failing):
            raise RecipeError("no")
        fit(self, *data)

    monkeypatch.setattr(SVM, "_fit", fail)
    with pytest.raises(RunError, match=r"1 of 18 folds failed \(1 with seed 0\), the others are saved.*seed-0/"):
        run_recipe(recipe, tmp_path / "runs", seeds=2, **arguments)
    zero, one = find_runs(tmp_path / "runs")
    assert len(zero.done()) == 8 and one.complete


@pytest.mark.parametrize("name", ["spot-mdmd", "megc2019-svm", "leaderboard-spotting"])
def test_epochs_cannot_be_kept_of_what_is_not_trained_in_epochs(name, tmp_path):
    with pytest.raises(UsageError, match=f"--keep-epochs: '{name}' has no recognizer that is trained in epochs"):
        run_recipe(name, tmp_path / "run", keep_epochs=2)
    assert not (tmp_path / "run").exists()


def test_a_suite_gives_a_run_for_each_recipe(arguments, tmp_path):
    (tmp_path / "both.toml").write_text(SUITE)
    seen = []
    progress = lambda what, done, total: seen.append(what)  # noqa: E731
    runs = run_recipe(tmp_path / "both.toml", tmp_path / "runs", **{**arguments, "progress": progress})
    assert [run.metadata.recipe["name"] for run in runs] == ["megc2019-majority", "megc2019-svm"]
    assert len(runs.by_recipe()) == 2 and "megc2019-svm: folds" in seen
    assert find_runs(tmp_path / "runs").to_dataframe().equals(runs.to_dataframe())


def test_the_default_folder_is_named_after_the_recipe():
    assert str(default_folder("a", synthetic=True, quick=True)) == "runs/a-synthetic-quick"
    assert str(default_folder("folder/mine.toml")) == "runs/mine"


def test_seeds_of_single_folds_are_those_of_the_published_numbers():
    assert fold_seed(0, "subject-holdout-10") == fold_seed(0, "tenth-of-people") != fold_seed(0, "casme2/sub01")


COUNTING = '''
"""A third kind of task: count the clips of a data set, one unit a data set."""

import json
from dataclasses import dataclass

from microexpr.core.executors import executor
from microexpr.datasets import open_dataset
from microexpr.experiments.base import TASKS, Task
from microexpr.experiments.run_folder import Run, RunMetadata
from microexpr.experiments.runner import Job, run_jobs
from microexpr.recipes import RECIPE_KINDS, Recipe


@dataclass(frozen=True)
class CountingRecipe(Recipe):
    kind = "counting"
    table = "counting"
    data: tuple

    @classmethod
    def from_settings(cls, settings, *, name, title, quick):
        return cls(name, title, tuple(settings["data"]), quick=quick)

    settings = property(lambda self: {"data": list(self.data)})
    datasets = property(lambda self: self.data)
    protocols = ()


RECIPE_KINDS.add("counting", CountingRecipe)


class CountingRun(Run):
    kind, unit, suffix, metadata_class = "counting", "dataset", "json", RunMetadata
    unit_names = property(lambda self: list(self.metadata.data))

    def to_dataframe(self):
        import pandas as pd

        return pd.DataFrame([json.loads(self.unit_path(name).read_text()) for name in self.done()])


def count(job, roots):
    return {"name": job.units[0], "clips": len(open_dataset(job.units[0], roots.get(job.units[0])).clips())}


@TASKS.register("counting")
class Counting(Task):
    run_class = CountingRun

    def run(self, recipe, out, options, progress):
        data = {name: {"synthetic": True} for name in recipe.data}
        run = CountingRun.begin(out, RunMetadata(kind="counting", recipe=recipe.as_dict(), key=recipe.key, data=data))
        jobs = [Job(units=(name,)) for name in run.unit_names if name not in run.done()]
        save = lambda job, counted: run.write_unit(job.units[0], json.dumps(counted).encode())
        run_jobs(run, jobs, count, options.roots, save, executor(options.executor), progress, "counting")
        return run
'''


@pytest.fixture
def counting(tmp_path):
    (tmp_path / "counting_plugin.py").write_text(COUNTING)
    load_plugin(str(tmp_path / "counting_plugin.py"))
    yield
    loaded_plugins.clear()
    for registry in (TASKS, RECIPE_KINDS):
        del registry._entries["counting"]


def test_a_third_kind_of_task_is_a_plugin(counting, synthetic_datasets, arguments, tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text('title = "count"\n[counting]\ndata = ["smic", "samm"]\n')
    [recipe] = load_recipes(path)
    assert recipe.with_settings({"data": ["smic"]}).datasets == ("smic",)
    run = run_recipe(path, tmp_path / "run", executor="processes", workers=1, **arguments)
    assert run.to_dataframe().set_index("name")["clips"].to_dict() == {
        name: len(synthetic_datasets[name].clips()) for name in ("smic", "samm")
    }
    assert open_run(run.folder).complete and find_runs(run.folder).kind == "counting"
    with pytest.raises(UsageError, match="is a recipe of counting, which trains no model"):
        TASKS.get("counting")().train(recipe, tmp_path / "model", None, None)


def test_a_failed_unit_of_a_third_kind_is_reported(counting, tmp_path):
    recipe = parse_recipe("mine", 'title = "count"\n[counting]\ndata = ["nothing"]\n')
    with pytest.raises(RunError, match=r"1 of 1 datasets failed; dataset 'nothing': unknown data set"):
        run_recipe(recipe, tmp_path / "run", progress=False)
    assert json.loads((tmp_path / "run" / "run.json").read_text())["kind"] == "counting"


def test_runs_of_several_kinds_are_not_one_kind(counting, recipe, arguments, tmp_path):
    first = run_recipe(recipe, tmp_path / "a", **arguments)
    other = parse_recipe("mine", 'title = "count"\n[counting]\ndata = ["smic"]\n')
    second = run_recipe(other, tmp_path / "b", **arguments)
    with pytest.raises(UsageError, match="runs of counting and recognition"):
        _ = Runs([first, second]).kind
