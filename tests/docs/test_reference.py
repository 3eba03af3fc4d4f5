"""The reference pages that `make docs` writes from the code."""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from microexpr.analysis import EVENT_FORMATS
from microexpr.core.executors import EXECUTORS
from microexpr.datasets import DATASETS
from microexpr.experiments.leak_checks import LEAK_CHECKS
from microexpr.features import FEATURES
from microexpr.metrics import METRICS, UNIT_METRICS
from microexpr.networks import NETWORKS
from microexpr.preprocessing import STEPS
from microexpr.protocols import PROTOCOLS
from microexpr.recipes import load_recipe, shipped_recipes
from microexpr.recognizers import RECOGNIZERS
from microexpr.recognizers.transforms import TRANSFORMS
from microexpr.reports import REPORT_FORMATS
from microexpr.spotting import SPOTTERS

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

pytest.importorskip("griffe", reason="needs the extra `docs`")
sys.path.insert(0, str(DOCS))
reference: Any = importlib.import_module("reference")
components: Any = importlib.import_module("components")
evaluation: Any = importlib.import_module("evaluation")
docstrings: Any = importlib.import_module("docstrings")


@pytest.fixture(scope="module")
def pages():
    return reference.all_pages()


@pytest.mark.parametrize(
    ("page", "registry"),
    [
        ("datasets", DATASETS),
        ("protocols", PROTOCOLS),
        ("steps", STEPS),
        ("features", FEATURES),
        ("networks", NETWORKS),
        ("recognizers", RECOGNIZERS),
        ("spotters", SPOTTERS),
        ("metrics", METRICS),
        ("metrics", UNIT_METRICS),
        ("leak-checks", LEAK_CHECKS),
        ("executors", EXECUTORS),
    ],
)
def test_every_registered_name_has_a_section(pages, page, registry):
    assert registry.names()
    assert [name for name in registry.names() if f"\n## `{name}`\n" not in pages[page]] == []


def test_every_format_and_recipe_has_a_row(pages):
    for name in [*EVENT_FORMATS.names(), *REPORT_FORMATS.names()]:
        assert f"| `{name}` |" in pages["formats"], name
    for name in shipped_recipes():
        assert f"| `{name}` |" in pages["recipes"], name


def test_every_transform_has_a_section(pages):
    assert [name for name in TRANSFORMS.names() if f"\n### `{name}`\n" not in pages["recognizers"]] == []


def test_every_public_name_is_on_the_page_of_the_api(pages):
    import microexpr

    names = [name for name in microexpr.__all__ if not name.startswith("__")]
    assert [name for name in names if f"::: microexpr.{name}\n" not in pages["api"]] == []


def test_every_how_to_page_stands_in_the_navigation_and_the_index():
    navigation, index = (ROOT / "mkdocs.yml").read_text(), (DOCS / "how-to" / "index.md").read_text()
    pages = sorted(path.name for path in (DOCS / "how-to").glob("*.md"))
    assert [name for name in pages if f"how-to/{name}" not in navigation] == []
    assert [name for name in pages if f"]({name})" not in index and name != "index.md"] == []


def test_every_page_stands_in_the_navigation():
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    assert [name for name in reference.all_pages() if f"reference/{name}.md" not in text] == []


def test_a_setting_has_its_type_limits_default_and_meaning(pages):
    assert "| `batch_size` | integer, 2 or more | `256` | Clips per step, 2 or more. |" in pages["recognizers"]


def test_descriptors_are_compared_in_one_table(pages, monkeypatch, tmp_path):
    lines = [line for line in pages["features"].splitlines() if line.startswith("| [`")]
    rows = {line.split("`")[1]: line.split(" | ") for line in lines}
    assert rows["lbp-sip"][1].startswith("Wang, See, Phan, Oh: LBP with Six") and rows["lbp-sip"][1].endswith("2014")
    assert rows["lbp-sip"][2:4] == ["500", "brightness, contrast"] and "onset, offset" in rows["lbp-sip"][4]
    assert {"onset, apex, offset", "nothing"} <= set(rows["hoof"][4].split("; or "))  # some flow is precomputed
    monkeypatch.setattr(sys.modules["descriptors"], "TIMES", tmp_path / "none.json")
    assert " | onset, offset |  |" in components.features_page()  # not measured: an empty cell


def test_a_plug_in_that_is_loaded_before_has_a_section():
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, 'docs'); import microexpr, reference\n"
        "for name in ('my_dataset', 'my_recognizer', 'my_descriptor'):\n"
        "    microexpr.load_plugin(Path('examples', f'{name}.py'))\n"
        "pages = reference.all_pages()\n"
        "assert '## `two_smiles`' in pages['datasets'] and '## `nearest-mean`' in pages['recognizers']\n"
        "assert '## `flow-length`' in pages['features'] and 'Number of cells down and across.' in pages['features']\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_everything_that_is_missing_is_reported_at_once(monkeypatch):
    @dataclass
    class Bare:
        size: int = 3

    @dataclass
    class Silent:
        """It has a docstring, but no meaning of its setting."""

        depth: int = 3

    def page():
        return "".join(components.class_sections([("bare", Bare), ("silent", Silent)]))

    monkeypatch.setattr(reference, "PAGES", {"steps": ("Steps", page)})
    with pytest.raises(SystemExit) as error:
        reference.all_pages()
    assert "Bare has no docstring" in str(error.value)
    assert "Bare: setting 'size' has no meaning" in str(error.value)
    assert "Silent: setting 'depth' has no meaning" in str(error.value)


def test_a_public_method_without_a_docstring_is_reported():
    import griffe

    module = griffe.visit("m", Path("m.py"), 'class A:\n    """A."""\n    def f(self): ...\n    def _g(self): ...\n')
    docstrings.missing.clear()
    docstrings.note_missing_docstrings(module["A"])
    assert docstrings.missing == ["m.A.f has no docstring"]
    docstrings.missing.clear()


def test_the_page_of_leaderboards_ranks_real_results_and_names_what_was_not_run(tmp_path):
    page: Any = importlib.import_module("leaderboards").leaderboards_page
    one = {"n": 3, "subjects": 2}
    as_shipped = load_recipe("megc2019-svm").as_dict()
    record = {
        "recipe": "megc2019-svm",
        "settings": as_shipped,
        "protocol": "megc2019-cde",
        "complete": True,
        "synthetic": False,
        "subset": ["casme2: 2 of 24 subjects"],
        **one,
        "per_dataset": {"casme2": one},
        "metrics": {"macro_f1": 0.4, "unweighted_average_recall": 0.5},
        "intervals": {"macro_f1": [0.3, 0.5]},
        "spread": {},
        "seeds": [0],
        "lift": None,
        "weights": None,
        "seconds_per_fold": 0.5,
        "comparisons": [
            {
                "first": "megc2019-svm",
                "second": "megc2019-hoof",
                "differences": {"macro_f1": {"difference": -0.2, "low": -0.3, "high": -0.1}},
            }
        ],
    }
    changed = load_recipe("megc2019-hoof").with_user_overrides({"recognizer.C": 7.0}).as_dict()
    scores = {"macro_f1": 0.6, "unweighted_average_recall": 0.5}
    better = {**record, "recipe": "megc2019-hoof", "settings": changed, "metrics": scores}
    (tmp_path / "lab.json").write_text("\n".join(json.dumps(row) for row in (record, better)))
    text = page(tmp_path)
    rows = ("| `megc2019-hoof` (C 7.0 instead of 1.0) | .600", "| `megc2019-svm` | .400 (.300 to .500)")
    assert text.index(rows[0]) < text.index(rows[1])
    assert "-0.200 (-0.300 to -0.100)" in text and "casme2: 2 of 24 subjects" in text
    assert "No result on real clips yet" in text and "`megc2019-majority`" in text
    for text in (json.dumps({**record, "synthetic": True}), json.dumps({**record, "quick": True}), "no JSON"):
        (tmp_path / "lab.json").write_text(text)
        with pytest.raises(ValueError, match=r"line 1: not (the record of a complete run on real data|JSON)"):
            page(tmp_path)


def test_the_page_of_leaderboards_has_a_table_of_spotting_for_each_data_set(tmp_path):
    page: Any = importlib.import_module("leaderboards").leaderboards_page

    def record(name: str, f1: float, **settings: Any) -> dict[str, Any]:
        scores = {kind: {"f1": f1 / 2} for kind in ("micro", "macro")} | {"all": {"f1": f1}}
        own = {"videos": 4, "subjects": 2, "scores": scores, "intervals": {"all": [0, 1]}, "false_alarms_per_minute": 3}
        common = {"kind": "spotting", "recipe": name, "complete": True, "synthetic": False, "seed": 0}
        spotter = {**load_recipe(name).as_dict()["spotter"], **settings}
        return {**common, "spotter": spotter, "subset": ["samm_lv: 4 of 147 clips"], "per_dataset": {"samm_lv": own}}

    records = [record("spot-mdmd", 0.1, p=0.5), record("spot-of-fd", 0.2)]
    (tmp_path / "lab.json").write_text("\n".join(map(json.dumps, records)))
    text = page(tmp_path)
    rows = (
        "| `spot-of-fd` | .200 (.000 to 1.000) | .100 | .100 | 3.0 | 0 |",
        "| `spot-mdmd` (p 0.5 instead of the default) | .100 (",
    )
    assert text.index("### SAMM Long Videos") < text.index(rows[0]) < text.index(rows[1])
    assert "4 videos of 2 people.** A part of the release: samm_lv: 4 of 147 clips." in text
    assert "microexpr run leaderboard-spotting\n" in text


def test_a_data_set_has_the_layout_that_it_shares_with_the_other_parts_of_its_release():
    page = evaluation.datasets_page()
    own = page[page.index("## `dfme_test_a`") : page.index("## `dfme_test_b`")]
    assert (
        "Test A of the challenge's release." in own
        and "`DFME_train/sub0003_01/00012.png` (`DFME_test_A/...` in test A)" in own
    )
