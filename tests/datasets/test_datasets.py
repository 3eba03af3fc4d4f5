"""Readers read what their fakes write, and the fakes meet every published count."""

import shutil
from collections import Counter
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from microexpr.core.clip import Clip
from microexpr.core.errors import AnnotationError, UsageError
from microexpr.datasets import DATASETS, Dataset, check_dataset, open_dataset
from microexpr.datasets._action_units import objective_class, parse_action_units
from microexpr.datasets.megc2019 import PARTS
from microexpr.datasets.synthetic import clips as casting
from microexpr.imaging.video import open_frames
from microexpr.protocols import PROTOCOLS


def damaged(fakes: dict[str, Dataset], name: str, tmp_path: Path) -> Dataset:
    """A copy that a test may change."""
    return type(fakes[name])(shutil.copytree(fakes[name].root, tmp_path / name))


@pytest.mark.parametrize("name", DATASETS.names())
def test_contract(name, tmp_path):
    check_dataset(DATASETS.get(name), tmp_path)


class Still:
    """Somebody who does not move: as quick as a manifest, and yet every file is there."""

    def __init__(self, person_seed, *, camera, timing, **rest):
        self.timing, self.size = timing, camera.size

    def frame(self, i):
        return np.zeros((*self.size, 3), np.uint8)


COUNTED = [name for name, cls in DATASETS if cls.info.clips and not cls.info.events]  # long videos: test_long_sets


@pytest.mark.parametrize("name", COUNTED)
def test_a_full_fake_has_one_fault_the_made_up_mark(name, tmp_path, monkeypatch):
    monkeypatch.setattr(casting, "render_clip", Still)
    made = DATASETS.get(name).make_synthetic(tmp_path / name, image_scale=0.01)
    assert [fault.reason for fault in made.check()] == ["is synthetic (SYNTHETIC.json)"]
    assert len(made.clips()) == made.info.clips


def manifest(seed: int = 0) -> list[Clip]:
    """The clips of full fakes, without making a picture."""
    cast = {"casme2": casting.casme2(None, seed), "samm": casting.samm(None, seed), "smic": casting.smic(None, seed)}
    clips = []
    for dataset, roles in cast.items():
        for r in roles:
            person, name = (f"s{int(r.person[1:]):02d}", r.name) if dataset == "smic" else (r.person, r.name)
            labels, subject = {"emotion": r.emotion, "objective": r.objective}, f"{dataset}/{person}"
            clips.append(Clip(f"{subject}/{name}", dataset, subject, Path("x"), 200, labels=labels))
    return clips


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
@pytest.mark.parametrize("name", ["casme2", "samm", "smic"])
def test_every_seed_deals_the_published_counts(name, seed):
    clips, info = [clip for clip in manifest(seed) if clip.dataset == name], DATASETS.get(name).info
    assert len(clips) == info.clips == len({clip.id for clip in clips})
    assert len({clip.subject for clip in clips}) == info.subjects
    for label, words in info.counts.items():
        assert Counter(clip.labels[label] for clip in clips) == words
    if info.per_subject:
        assert Counter(clip.subject for clip in clips) == info.per_subject


def test_published_counts():
    info = {name: DATASETS.get(name).info for name in DATASETS.names()}
    assert [info[n].clips for n in ("casme2", "samm", "smic", "smic_hs_long", "megc2019")] == [255, 159, 164, 159, 442]
    assert [info[n].subjects for n in ("casme2", "samm", "smic", "megc2019")] == [26, 29, 16, 68]
    assert info["casme2"].per_subject["casme2/sub17"] == 36
    assert info["smic_hs_long"].counts["emotion"] == {"negative": 66, "positive": 51, "surprise": 42}
    for one in info.values():
        assert all(sum(words.values()) == one.clips for words in one.counts.values())
        assert sum(one.per_subject.values()) in (0, one.clips)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("name", [name for name in PROTOCOLS if "macro" not in name])  # those: test_macro_sets
def test_full_fakes_meet_every_protocol(name, seed):
    rules = PROTOCOLS[name]
    examples = rules.select(manifest(seed))
    assert rules.count_mismatches(examples) == []
    assert rules.folds(examples)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_clips_and_people_of_megc_2018(seed):
    judged = [clip for clip in manifest(seed) if clip.labels["objective"] in ("I", "II", "III", "IV", "V")]
    judged = [clip for clip in judged if clip.dataset != "smic"]
    assert Counter(clip.dataset for clip in judged) == {"casme2": 185, "samm": 68}
    assert Counter(s.split("/")[0] for s in {clip.subject for clip in judged}) == {"casme2": 26, "samm": 21}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_clips_and_people_of_megc_2019(seed):
    examples = PROTOCOLS["megc2019-cde"].select(manifest(seed))
    assert Counter(e.clip.subject for e in examples) == {p: n for part in PARTS.values() for p, n in part.items()}
    assert Counter(e.clip.dataset for e in examples) == {"casme2": 145, "samm": 133, "smic": 164}
    assert Counter(e.label for e in examples) == {"negative": 250, "positive": 109, "surprise": 83}


@pytest.mark.parametrize("people", [1, 2, 3, 4, 5, 8, 12])
@pytest.mark.parametrize("cast", [casting.casme2, casting.samm, casting.smic])
def test_few_people_show_different_things(cast, people):
    roles = cast(people, 0)
    assert len({role.person for role in roles}) == people
    judged = [role for role in roles if role.emotion not in ("others", "sadness", "fear", "Other")]
    for person, clips in Counter(role.person for role in judged).items():
        shown = {casting.three_class(role.emotion) for role in judged if role.person == person}
        assert len(shown) >= min(clips, 2), person


def test_action_units():
    assert parse_action_units("(R6 or R12)+R15") == {6, 12, 15}
    assert objective_class("4+L10") == "IV"
    assert objective_class("R1+L2") == "II"
    assert objective_class("A9E+ref(10)") == "VII"
    for role in (*casting.casme2(None, 0), *casting.samm(None, 0)):
        assert objective_class(role.action_units) == role.objective


def test_frames_sort_by_number(fakes):
    clip = fakes["casme2"].clips()[0]
    names = sorted(p.name for p in clip.source.iterdir())
    by_number = sorted(names, key=lambda n: int("".join(filter(str.isdigit, n))))
    assert names != by_number  # names alone would mislead
    numbers = list(open_frames(clip.source).numbers)
    assert numbers == sorted(numbers) and numbers[0] < clip.onset < clip.apex <= clip.offset < numbers[-1]


def test_ids_never_collide(fakes):
    subjects = [{clip.subject for clip in fakes[n].clips()} for n in ("casme2", "samm", "smic", "smic_vis", "folder")]
    assert len(set().union(*subjects)) == sum(map(len, subjects))


def test_composite_and_releases_call_a_clip_by_the_same_id(fakes):
    raw = {clip.id for name in ("casme2", "samm", "smic") for clip in fakes[name].clips()}
    listed = {clip.id for clip in fakes["megc2019"].clips()}
    assert listed < raw and {i for i in raw if i.startswith("smic/")} < listed
    assert {clip.id for clip in fakes["megc2019_faces"].clips()} == listed
    assert all(clip.dataset == clip.id.split("/")[0] for clip in fakes["megc2019"].clips())


def test_smic_spellings_of_the_list_are_those_of_the_release(fakes):
    text = (fakes["megc2019"].root / "combined_3_class2_for_optical_flow.csv").read_text()
    assert "smic,s01,s01_ne_01,0,,s01_s1_ne_01.jpg," in text
    assert (fakes["megc2019"].root / "STSNet_whole_norm_u_v_os" / "s01_s01_ne_01 .png").is_file()
    assert (fakes["smic"].root / "SMIC_all_cropped/HS/s1/micro/negative/s1_ne_01").is_dir()


@pytest.mark.parametrize("column", ["filename", "filename_e", ""])
def test_every_copy_of_the_list_is_read(fakes, tmp_path, column):
    dataset = damaged(fakes, "megc2019", tmp_path)
    lines = (dataset.root / "combined_3_class2_for_optical_flow.csv").read_text().splitlines()
    (dataset.root / "combined_3_class2_for_optical_flow.csv").unlink()
    head = [f"dataset,sub,{column},label"] if column else []
    body = [",".join(line.split(",")[:4]) for line in lines[1:]]
    (dataset.root / "combined_3class_gt.csv").write_text("\n".join(head + body))
    assert dataset.clips() == [
        type(c)(**{**vars(c), "source": dataset.root / c.source.relative_to(fakes["megc2019"].root)})
        for c in fakes["megc2019"].clips()
    ]


def test_two_cameras_in_one_folder(fakes, tmp_path):
    dataset = damaged(fakes, "smic", tmp_path)
    shutil.copytree(fakes["smic_vis"].root / "SMIC_all_cropped", dataset.root / "SMIC_all_cropped", dirs_exist_ok=True)
    fast, slow = dataset.clips(), DATASETS.get("smic_vis")(dataset.root).clips()
    assert {clip.fps for clip in fast} == {100} and {clip.fps for clip in slow} == {25}
    assert [clip.id for clip in fast] == [clip.id for clip in fakes["smic"].clips()]
    assert [clip.id for clip in slow] == [clip.id for clip in fakes["smic_vis"].clips()]


def test_both_spellings_of_a_person_of_smic(fakes, tmp_path):
    short, long = damaged(fakes, "smic", tmp_path / "a"), damaged(fakes, "smic_hs_long", tmp_path / "b")
    for top in (short.root / "SMIC_all_cropped" / "HS", long.root / "HS_long" / "SMIC_HS_E"):
        (top / "s1").rename(top / "s01")
    assert [clip.id for clip in short.clips()] == [clip.id for clip in fakes["smic"].clips()]
    assert [clip.id for clip in long.clips()] == [clip.id for clip in fakes["smic_hs_long"].clips()]


def test_raw_pictures_where_there_are_no_cropped_ones(fakes, tmp_path):
    dataset = damaged(fakes, "casme2", tmp_path)
    (dataset.root / "Cropped").rename(dataset.root / "CASME2_RAW_selected")
    for path in list(dataset.root.glob("CASME2_RAW_selected/*/*/*.jpg")):
        path.rename(path.with_name(path.name.removeprefix("reg_")))
    assert [c.apex for c in dataset.clips()] == [c.apex for c in fakes["casme2"].clips()]


def test_which_sheet_of_casme2(fakes, tmp_path):
    dataset = damaged(fakes, "casme2", tmp_path)
    old, new = (dataset.root / f"CASME2-coding-{date}.xlsx" for date in ("20140508", "20190701"))
    new.write_bytes(b"never read while the older one is there")
    assert dataset.clips()
    old.replace(new)
    assert dataset.clips()[0].labels == fakes["casme2"].clips()[0].labels


def test_samm_below_its_own_folder(fakes, tmp_path):
    shutil.copytree(fakes["samm"].root, tmp_path / "SAMM_CROP")
    clips = type(fakes["samm"])(tmp_path).clips()
    assert [clip.id for clip in clips] == [clip.id for clip in fakes["samm"].clips()]
    assert clips[0].labels.keys() == {"emotion", "objective", "action_units"}


def test_others_of_samm_are_other(fakes, tmp_path):
    dataset = damaged(fakes, "samm", tmp_path)
    book = openpyxl.load_workbook(sheet := dataset.root / "SAMM_Micro_FACS_Codes_v2.xlsx")
    [column] = [cell.column for cell in book.active[14] if cell.value == "Estimated Emotion"]
    book.active.cell(15, column).value = "Others"
    book.save(sheet)
    changed = {clip.labels["emotion"] for clip in dataset.clips()} - {"Other"}
    assert changed <= {clip.labels["emotion"] for clip in fakes["samm"].clips()}


def test_own_recordings_mix_videos_and_folders(fakes):
    clips = fakes["folder"].clips()
    assert {clip.source.suffix for clip in clips} == {".mp4", ""}
    assert {clip.labels["emotion"] for clip in clips} == {"negative", "positive", "surprise"}
    assert fakes["folder"].info.clips == 0 and len(fakes["folder"].check()) == 1  # nothing is published of it


def test_flow_of_the_composite_is_stretched(fakes):
    picture = open_frames(fakes["megc2019"].clips()[0].source).read(0)
    assert picture.shape == (28, 28, 3)
    assert (picture.min(axis=(0, 1)) == 0).all() and (picture.max(axis=(0, 1)) == 255).all()


def test_fingerprint_follows_the_contents(fakes, tmp_path):
    dataset = damaged(fakes, "smic", tmp_path)
    before = fakes["smic"].fingerprint()
    assert dataset.fingerprint() == before
    next(dataset.clips()[0].source.glob("image5.*")).write_bytes(b"another picture")
    assert dataset.fingerprint() != before
    other = DATASETS.get("smic").make_synthetic(tmp_path / "seed", subjects=3, image_scale=0.25, seed=1)
    assert other.fingerprint() != before


def test_data_folder_of_the_user(fakes, monkeypatch):
    monkeypatch.setenv("MICROEXPR_DATA", str(fakes["samm"].root.parent))
    assert open_dataset("samm").clips() == fakes["samm"].clips()
    assert open_dataset("samm").synthetic


def test_a_fake_is_never_written_over_anything(fakes):
    with pytest.raises(UsageError, match="not an empty folder"):
        DATASETS.get("smic").make_synthetic(fakes["smic"].root)
    for wrong in ({"image_scale": 0.0}, {"image_scale": 2.0}, {"subjects": 0}):
        with pytest.raises(UsageError, match="must be"):
            DATASETS.get("smic").make_synthetic(fakes["smic"].root / "x", **wrong)


def test_the_whole_of_jaffe(tmp_path):
    made = DATASETS.get("jaffe").make_synthetic(tmp_path / "jaffe", image_scale=0.2)
    assert [fault.field for fault in made.check()] == ["folder"]  # made up, and nothing else
    five = ("anger", "disgust", "happiness", "sadness", "surprise")
    assert sum(clip.labels["emotion"] in five for clip in made.clips()) == 151  # as in Peng et al. 2018
    (made.root / "portrait.tiff").write_bytes(b"")
    with pytest.raises(AnnotationError, match=r"portrait\.tiff: is not named like"):
        made.clips()
