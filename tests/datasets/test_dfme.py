"""DFME: three parts of other people, several frame rates in one set, and what a row may say in two ways."""

import shutil
from collections import Counter

import pytest

from microexpr.core.action_units import parse_action_units
from microexpr.core.errors import AnnotationError, MissingDataError
from microexpr.datasets import DATASETS
from microexpr.datasets.dfme import FPS_OF_TRAINING, Dfme
from microexpr.protocols import PROTOCOLS
from tests.datasets.planted import cells, edit

PARTS = ("dfme", "dfme_test_a", "dfme_test_b")
SHEET = "training_full_with_AU.xlsx"


@pytest.fixture
def made(synthetic_datasets, tmp_path) -> Dfme:
    return Dfme(shutil.copytree(synthetic_datasets["dfme"].root, tmp_path / "dfme"))


def test_a_copy_is_read_as_its_sheet_says(made):
    first = cells(made.root / SHEET, 1)
    clip = next(clip for clip in made.clips() if clip.source.name == first["Filename"])
    assert (clip.onset, clip.apex, clip.offset) == (first["OnsetFrame"], first["ApexFrame"], first["OffsetFrame"])
    assert clip.labels == {"emotion": first["Emotion"], "action_units": first["AU"]} and clip.fps == first["Fps"]
    assert clip.id == f"dfme/sub0001/{first['Filename']}"
    assert sorted(path.name for path in clip.source.iterdir())[0] == "00000.png"


def test_an_onset_of_0_is_a_frame(made):
    first = next(clip for clip in made.clips() if clip.source.name == cells(made.root / SHEET, 0)["Filename"])
    assert first.onset == 0 and first.apex > 0


def test_there_are_several_frame_rates_in_one_set(made):
    assert made.info.fps == 0 and {clip.fps for clip in made.clips()} == set(FPS_OF_TRAINING)
    edit(made.root / SHEET, 0, "Fps", "fast")
    with pytest.raises(AnnotationError, match="fps = fast: is not a number of frames per second"):
        made.clips()


def test_action_descriptors_and_movements_of_the_head_are_read(made):
    text = cells(made.root / SHEET, 0)["AU"]
    assert text.endswith("+AD38") and parse_action_units(text)[-1] == (38, "")
    assert parse_action_units(cells(made.root / SHEET, 5)["AU"])[-1] == (58, "")


@pytest.mark.parametrize(
    ("column", "value", "text"),
    [
        ("EmotionId", 9, "EmotionId = 9: is not that of"),
        ("AU", "4+smile", "action_units = 4+smile: cannot be read: 'smile' in '4+smile' is not an action unit"),
        ("Emotion", "joy", "emotion = joy: is not a label of this release"),
        ("ApexFrame", 9000, "apex = 9000: lies after the offset"),
        ("OffsetFrame", None, "offset = : is empty (column 'OffsetFrame')"),
    ],
)
def test_planted_faults_are_named(made, column, value, text):
    edit(made.root / SHEET, 0, column, value)
    assert any(text in str(issue) for issue in made.check())


@pytest.mark.parametrize("name", PARTS)
def test_a_whole_copy_has_the_published_counts(name, tmp_path):
    made = DATASETS.get(name).make_synthetic(tmp_path / name, image_scale=0)
    clips = made.annotated_clips()
    assert made.compare_with_published(clips) == [] and len(clips) == made.info.clips
    if name == "dfme":
        assert Counter(clip.fps for clip in clips) == FPS_OF_TRAINING
        fewer = made.compare_with_published(clips[1:])
        assert any("frames/s" in issue.field for issue in fewer)


def test_the_parts_may_lie_in_one_folder_and_have_other_people(synthetic_datasets, tmp_path):
    for name in PARTS:
        shutil.copytree(synthetic_datasets[name].root, tmp_path, dirs_exist_ok=True)
    parts = [DATASETS.get(name)(tmp_path).clips() for name in PARTS]
    assert [len(clips) for clips in parts] == [6, 6, 6]
    assert len({clip.subject.split("/")[1] for clips in parts for clip in clips}) == 9


@pytest.mark.parametrize("letter", ["a", "b"])
def test_a_protocol_trains_on_one_part_and_tests_on_another(synthetic_datasets, letter):
    rules = PROTOCOLS.get(f"dfme-test-{letter}")
    clips = [clip for name in PARTS for clip in synthetic_datasets[name].clips()]
    [fold] = rules.folds(rules.select(clips))
    assert {e.clip.dataset for e in fold.train} == {"dfme"}
    assert {e.clip.dataset for e in fold.test} == {f"dfme_test_{letter}"}


def test_other_names_of_folders_and_sheets_are_read(made):
    clips = made.clips()
    (made.root / "full_release_annotation").mkdir()
    (made.root / SHEET).rename(made.root / "full_release_annotation" / SHEET)
    (made.root / "train_data").mkdir()
    (made.root / "DFME_train").rename(made.root / "train_data" / "train_data")
    assert [clip.id for clip in made.clips()] == [clip.id for clip in clips]
    shutil.rmtree(made.root / "full_release_annotation")
    with pytest.raises(MissingDataError, match="has no sheet; looked for training_full_with_AU"):
        made.clips()
