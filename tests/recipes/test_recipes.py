"""Recipes: TOML in, checked values out."""

import pytest

from microexpr.core.errors import MicroexprError, MissingDataError, RecipeError
from microexpr.experiments.options import RunOptions
from microexpr.experiments.recognition_folds import check_settings, evaluate
from microexpr.recipes import (
    ActionUnitsRecipe,
    RecognitionRecipe,
    load_recipe,
    load_recipes,
    parse_recipe,
    shipped_recipes,
    toml_value,
)
from microexpr.recognizers import RECOGNIZERS
from microexpr.recognizers.network import Network
from tests.conftest import RECIPE


def recognition_recipe(name: str) -> RecognitionRecipe:
    recipe = load_recipe(name)
    assert isinstance(recipe, RecognitionRecipe)
    return recipe


@pytest.mark.parametrize("name", shipped_recipes())
def test_shipped_recipes_can_be_loaded(name):
    for loaded in load_recipes(name):
        assert loaded.protocols and loaded.title and loaded.datasets
        assert loaded.with_quick_settings().name == loaded.name


def test_a_suite_of_suites_names_the_protocol_once():
    names = [recipe.name for recipe in load_recipes("leaderboard-casme2")]
    assert "takalkar2017-casme2-5" in names and "huang2016-stclqp-casme2-5" in names
    assert not [name for name in names if name.count("casme2-5") > 1]


def test_a_suite_has_each_recipe_under_each_protocol():
    members = load_recipes("baselines-megc2018")
    assert len({member.name for member in members}) == len({member.key for member in members}) == 12
    assert {member.final_stage.data for member in members} == {("casme2", "samm"), ("casme2",), ("samm",)}  # type: ignore[attr-defined]
    with pytest.raises(MicroexprError, match="suite of 12 recipes"):
        load_recipe("baselines-megc2018")


def test_settings_replace_the_values_that_they_name(recipe):
    changed = recipe.with_settings({"recognizer.C": 3, "chain.scale.divide": 2.0, "stages.micro.data": ["smic"]})
    assert changed.final_stage.recognizer["C"] == 3
    assert changed.final_stage.chain[1]["divide"] == 2.0
    assert changed.final_stage.data == ("smic",)
    assert changed.key != recipe.key == recipe.with_settings({}).key


def test_a_setting_of_every_stage_reaches_every_stage():
    changed = recognition_recipe("peng2018-hde").with_user_overrides({"stages.*.recognizer.precision": "fp32"})
    assert [stage.recognizer["precision"] for stage in changed.stages] == ["fp32", "fp32"]
    alone = changed.with_settings({"stages.*.recognizer.epochs": 2, "recognizer.epochs": 3})
    assert [stage.recognizer["epochs"] for stage in alone.stages] == [2, 3]
    with pytest.raises(RecipeError, match=r"set stages\.macro\.chain\.flow\.estimator: there is no 'flow'"):
        changed.with_settings({"stages.*.chain.flow.estimator": "dis"})
    with pytest.raises(RecipeError, match="leads to no setting"):
        changed.with_settings({"stages.*": 1})


def test_what_the_user_sets_in_every_stage_precedes_quick():
    chosen = recognition_recipe("peng2018-hde").with_user_overrides({"stages.*.recognizer.epochs": 2})
    assert [stage.recognizer["epochs"] for stage in chosen.with_quick_settings().stages] == [2, 2]


@pytest.mark.parametrize("name", ["peng2018-hde-aam", "peng2018-cde-aam"])
def test_both_stages_of_peng_2018_segment_the_face_by_an_appearance_model(name):
    aligned = [step for stage in recognition_recipe(name).stages for step in stage.chain if step["name"] == "align"]
    assert [step["method"] for step in aligned] == ["aam", "aam"] and all(step["mask"] for step in aligned)


METHODS = [f"devanaboyina2021-method{number}" for number in range(1, 8)]


@pytest.mark.parametrize("name", METHODS)
def test_all_training_people_of_devanaboyina_2021_are_trained_on_unless_curves_are_wanted(name):
    subjects = [f"casme2/sub{number:02d}" for number in range(1, 21)]
    for settings, held_out in (({}, 0), ({"recognizer.validation_fraction": 0.1}, 2)):
        stage = recognition_recipe(name).with_settings(settings).final_stage
        recognizer = RECOGNIZERS.build(stage.recognizer, classes=("a", "b", "c"), seed=0)
        assert isinstance(recognizer, Network)
        assert sum(recognizer._held_out(subjects)) == held_out


def test_every_class_set_of_devanaboyina_2021_is_run():
    members = load_recipes("devanaboyina2021-classes")
    sets = ("casme2-7", "casme2-5a", "casme2-5b", "casme2-3")
    expected = {(name, f"{classes}-holdout") for name in METHODS[1:6] for classes in sets}
    expected |= {(METHODS[6], classes) for classes in sets}
    assert {(m.name.removesuffix(f"-{m.protocols[0]}"), m.protocols[0]) for m in members} == expected
    assert len(members) == len({member.key for member in members}) == 24


def test_both_networks_of_devanaboyina_2021_are_run():
    members = {member.name: member for member in load_recipes("devanaboyina2021")}
    assert set(METHODS) < set(members) and len(members) == 15
    for name in METHODS[:4]:
        networks = [members[name + end].settings[-1]["recognizer"]["network"]["name"] for end in ("", "-new")]
        assert networks == ["cnn-lstm", "cnn-lstm-v2"]


def test_what_devanaboyina_2021_announces_is_run():
    transfer = load_recipes("devanaboyina2021-transfer")
    assert len({member.key for member in transfer}) == 12
    for member in transfer:
        stage = member.settings[-1]
        assert stage["recognizer"]["network"]["name"] == "resnet-sequence" and stage["weights"] == "resnet50"
    mirrored = {
        (m.protocols[0], bool(m.settings[-1]["recognizer"].get("mirror")), m.settings[-1]["chain"][0]["name"])
        for m in load_recipes("devanaboyina2021-mirrored")
    }
    assert mirrored == {
        (p, twins, first)
        for p in ("casme2-7", "casme2-5a")
        for twins in (False, True)
        for first in ("onset-apex", "sequence")
    }
    for name in ("method7", "transfer"):
        assert load_recipe(f"devanaboyina2021-{name}-smic").datasets == ("casme2", "smic")
    apex = recognition_recipe("devanaboyina2021-method7-smic").final_stage.chain[0]
    assert apex == {"name": "onset-apex", "without_apex": "middle"}


def test_the_leaking_split_of_peng_2018_is_one_of_the_macro_stage_only():
    changed = recognition_recipe("peng2018-hde").with_settings({"stages.macro.protocol": "peng2018-macro-leaking"})
    assert [stage.protocol for stage in changed.stages] == ["peng2018-macro-leaking", "megc2018-hde"]


@pytest.mark.parametrize("network", ["ststnet", "motion"])
def test_twins_of_pretrained_networks_differ_by_the_first_weights_alone(network):
    pretrained, scratch = (recognition_recipe(f"megc2019-{network}-{start}") for start in ("pretrained", "scratch"))
    assert pretrained.stages[1:] == scratch.stages
    quick = pretrained.with_quick_settings(), scratch.with_quick_settings()
    assert quick[0].stages[1:] == quick[1].stages != scratch.stages
    drawn = pretrained.stages[0].recognizer
    assert drawn["name"] == "synthetic-motion" and drawn["network"]["name"] == network


def test_the_title_does_not_change_the_key():
    assert parse_recipe("a", RECIPE).key == parse_recipe("b", RECIPE.replace('"test"', '"other"')).key


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("title =", "titel =", "did you mean 'titel'|lacks 'title'"),
        ("protocol =", "protocoll =", "did you mean 'protocol'"),
        ("C = 10.0", "c = 10.0", "no setting 'c'"),
        ("C = 10.0", 'C = "ten"', "C = 'ten'"),
        ('"svm"', '"smv"', "did you mean 'svm'"),
        ('"megc2019-cde"', '"megc2019"', "did you mean 'megc2019-cde'"),
        ("subtract", "substract", "did you mean 'subtract'"),
        ("subjects = 2", "subjets = 2", "did you mean 'subjects'"),
        ("[[stages]]", "[[stages", "is not TOML"),
        ("chain = [", "chain = [] # [", "empty chain"),
    ],
)
def test_misspelt_recipes_are_errors_that_name_the_nearest_key(old, new, text, tmp_path):
    with pytest.raises(MicroexprError, match=text) as error:
        evaluate(parse_recipe("bad", RECIPE.replace(old, new, 1)), tmp_path / "run", RunOptions(synthetic=True))
    assert error.value.exit_code == 2
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("key", "text"), [("recogniser.C", "did you mean 'recognizer'"), ("stages", "leads to no setting")]
)
def test_settings_without_a_value_to_replace_are_errors(recipe, key, text):
    with pytest.raises(MicroexprError, match=text):
        recipe.with_settings({key: 1})


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(MissingDataError, match="is not a file"):
        load_recipe(tmp_path / "mine.toml")


def test_values_of_set_are_toml_or_text():
    assert toml_value("3") == 3 and toml_value("[1, 2]") == [1, 2]
    assert toml_value("dis") == "dis" and toml_value("true") is True


def test_quick_does_not_change_settings_of_the_user():
    small = load_recipe("devanaboyina2021-method1")
    assert "recognizer.epochs" in small.quick.set
    chosen = small.with_user_overrides({"stages.micro.recognizer.epochs": 3})
    assert chosen.with_settings(chosen.quick.set).final_stage.recognizer["epochs"] == 3  # type: ignore[attr-defined]
    assert small.with_user_overrides({}).key == small.key


UNITS = """
title = "test"
[action_units]
data = ["megc2019"]
protocol = "megc2019-action-units"
chain = [{ name = "load-image" }]
recognizer = { name = "one-vs-rest", recognizer = { name = "svm", C = 10.0 } }
"""


def test_a_recipe_of_action_units_is_one_table():
    recipe = parse_recipe("units", UNITS)
    assert (recipe.kind, recipe.datasets, recipe.protocols) == (
        "action-units",
        ("megc2019",),
        ("megc2019-action-units",),
    )
    changed = recipe.with_settings({"recognizer.recognizer.C": 2.0, "protocol": "casme2-action-units"})
    assert changed.settings["recognizer"]["recognizer"]["C"] == 2.0 and changed.protocols == ("casme2-action-units",)
    assert parse_recipe("units", UNITS.replace("C = 10.0", "C = 2.0")).key != recipe.key
    assert recipe.with_protocol("samm-action-units", keep_datasets=False).datasets == ("samm",)


def test_a_recipe_of_action_units_can_be_extended(tmp_path):
    text = 'title = "mine"\nextends = "action-units-svm"\n[set]\n"recognizer.recognizer.kernel" = "linear"\n'
    (tmp_path / "mine.toml").write_text(text)
    recipe = load_recipe(tmp_path / "mine.toml")
    assert isinstance(recipe, ActionUnitsRecipe) and recipe.settings["recognizer"]["recognizer"]["kernel"] == "linear"


@pytest.mark.parametrize(
    ("old", "new", "text"),
    [
        ("protocol =", "protocoll =", "did you mean 'protocol'"),
        ("[action_units]", "[action_unit]", "did you mean 'action_units'"),
        ("data =", 'name = "x"\ndata =', "has no setting 'name'"),
        ('"megc2019-action-units"', '"megc2019-cde"', "protocol 'megc2019-cde' is one of recognition"),
        ("[action_units]", "[[action_units]]", r"write a table \[action_units\]"),
    ],
)
def test_misspelt_recipes_of_action_units_are_errors(old, new, text):
    with pytest.raises(MicroexprError, match=text):
        parse_recipe("bad", UNITS.replace(old, new, 1))


def test_a_recipe_of_recognition_needs_classes(recipe):
    with pytest.raises(MicroexprError, match="has action units, write the table"):
        recipe.with_settings({"protocol": "casme2-action-units"})


@pytest.mark.parametrize(
    ("files", "text"),
    [
        ({"a": 'title = "t"\nextends = "DIR/a.toml"'}, "extends or holds itself"),
        ({"a": 'title = "t"\nextends = "DIR/b.toml"', "b": 'title = "t"\nextends = "DIR/a.toml"'}, "holds itself"),
        ({"a": '[suite]\nrecipes = ["DIR/a.toml"]'}, "extends or holds itself"),
        ({"a": "[suite]\nrecipes = []"}, "name at least one"),
        ({"a": 'title = "t"\nstages = [1, 2]'}, r"write \[\[stages\]\], a table for each"),
        ({"a": 'title = "t"\nspotting = 3'}, "= 3: write a table"),
        ({"a": 'title = "t"\nquick = 3\n[spotting]'}, "table 'quick' = 3: write a table"),
        ({"a": "suite = 3"}, "suite 'a' = 3: write a table"),
        ({"a": "title = " + "[" * 5000 + "]" * 5000}, "nested too deep"),
        ({f"a{i or ''}": f'title = "t"\nextends = "DIR/a{i + 1}.toml"' for i in range(30)}, "more than 20 recipes"),
    ],
)
def test_recipes_that_cannot_be_read_are_one_line(files, text, tmp_path):
    for name, content in files.items():
        (tmp_path / f"{name}.toml").write_text(content.replace("DIR", str(tmp_path)))
    with pytest.raises(RecipeError, match=text) as caught:
        load_recipes(tmp_path / "a.toml")
    assert caught.value.exit_code == 2 and "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ("recognizer.epochs", True, "epochs = True: write a number"),
        ("recognizer.epochs", "5", "epochs = '5': write a number"),
        ("recognizer.optimizer.lr", True, "lr = True: write a number"),
        ("recognizer.normalize", 1, "normalize = 1: write true or false"),
    ],
)
def test_texts_and_truth_values_are_no_numbers(network, key, value, text):
    with pytest.raises(RecipeError, match=text):
        check_settings(network.with_settings({key: value}))


@pytest.mark.parametrize("name", ["megc2019-svm", "action-units-svm"])
def test_a_field_of_a_named_protocol_can_be_set(name):
    recipe = load_recipe(name)
    assert isinstance(recipe, RecognitionRecipe)
    changed = recipe.with_user_overrides({"protocol.split": "k-fold", "protocol.k": 5})
    assert (changed.protocol.split, changed.protocol.k) == ("k-fold", 5)
    assert changed.protocol.name == f"{recipe.protocol.name}-changed"  # what is published does not hold for it
    assert changed.protocol.classes == recipe.protocol.classes and changed.key != recipe.key
    with pytest.raises(RecipeError, match="did you mean 'split'"):
        recipe.with_user_overrides({"protocol.splt": "k-fold"})
