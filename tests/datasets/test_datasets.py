"""Readers of clips read their synthetic copies, and whole copies have every published count."""

import shutil
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import openpyxl
import pytest

from microexpr.core.clip import Clip
from microexpr.core.errors import AnnotationError, MissingDataError, UnknownNameError, UsageError
from microexpr.datasets import (
    DATASETS,
    Dataset,
    casme,
    casme2,
    casme3a,
    check_dataset,
    dfme,
    fourdme,
    mmew,
    open_dataset,
    samm,
    smic,
    synthesize,
)
from microexpr.datasets.megc2019 import FLOWS, PARTS, SYNTHETIC_FLOWS, _flow_image
from microexpr.datasets.synthetic import clips as synthetic_clips
from microexpr.imaging.frames import open_frames
from microexpr.protocols import PROTOCOLS
from microexpr.synthetic import Camera, Timing, render_clip
from microexpr.synthetic.motion.geometry import MEAN_FACE
from tests.synthetic.objective_classes import objective_class


def damaged(synthetic_datasets: Mapping[str, Dataset], name: str, tmp_path: Path) -> Dataset:
    """A copy of a synthetic data set that a test may change."""
    return type(synthetic_datasets[name])(shutil.copytree(synthetic_datasets[name].root, tmp_path / name))


@pytest.mark.parametrize("name", DATASETS.names())
def test_every_data_set_keeps_the_contract(name, tmp_path):
    check_dataset(DATASETS.get(name), tmp_path, whole=False)


class BlackClip:
    """Stands for a synthetic clip: black frames, which take no time to render."""

    def __init__(self, person_seed, *, camera, timing, **rest):
        self.timing, self.size = timing, camera.size

    def frame(self, i):
        return np.zeros((*self.size, 3), np.uint8)

    def landmarks(self, i):
        return MEAN_FACE


ELSEWHERE = ("fer2013", "dfme", "dfme_test_a", "dfme_test_b", "casme3b")
COUNTED = [name for name, cls in DATASETS if cls.info.clips and not cls.info.events and name not in ELSEWHERE]
# Long videos are tested in test_long_videos, the 35 887 images of FER2013 in test_macro_expressions, the clips of DFME
# at 500 frames per second in test_dfme, the 1508 videos of part B of CAS(ME)^3 in test_casme3.


@pytest.mark.parametrize("name", COUNTED)
def test_a_whole_copy_has_the_published_counts(name, tmp_path, monkeypatch):
    monkeypatch.setattr(synthetic_clips, "render_clip", BlackClip)
    made = DATASETS.get(name).make_synthetic(tmp_path / name, image_scale=0.01)
    assert [issue.reason for issue in made.check()] == ["is synthetic (SYNTHETIC.json)"]
    assert len(made.clips()) == made.info.clips


def clips_of_whole_copies(seed: int = 0) -> list[Clip]:
    """The clips of whole copies of the releases with protocols of their own, without their frames."""
    clips = []
    releases = {"casme": casme, "casme2": casme2, "casme3a": casme3a, "samm": samm, "smic": smic, "mmew": mmew}
    releases |= {"fourdme": fourdme}
    specs = {dataset: release.clip_specs(None, seed) for dataset, release in releases.items()}
    specs |= {part.name: dfme.clip_specs(None, seed, part) for part in (dfme.Dfme, dfme.DfmeTestA, dfme.DfmeTestB)}
    for dataset, own in specs.items():
        for spec in own:
            subject = f"{dataset}/{smic.subject_id(spec.subject) if dataset == 'smic' else spec.subject}"
            labels = {"emotion": spec.emotion, "objective": spec.objective, "action_units": spec.action_units}
            clips.append(Clip(f"{subject}/{spec.name}", dataset, subject, Path("x"), 200, labels=labels))
    return clips


@pytest.mark.parametrize("seed", [0, 1, 2, 3])
@pytest.mark.parametrize(
    "name", ["casme", "casme2", "casme3a", "dfme", "dfme_test_a", "fourdme", "mmew", "samm", "smic"]
)
def test_every_seed_gives_the_published_counts(name, seed):
    clips, info = [clip for clip in clips_of_whole_copies(seed) if clip.dataset == name], DATASETS.get(name).info
    assert len(clips) == info.clips == len({clip.id for clip in clips})
    assert not info.subjects or len({clip.subject for clip in clips}) == info.subjects
    for field, counts in info.counts.items():
        assert Counter(clip.labels[field] for clip in clips) == counts
    if info.per_subject:
        assert Counter(clip.subject for clip in clips) == info.per_subject


def test_published_numbers_of_the_releases():
    info = {name: DATASETS.get(name).info for name in DATASETS.names()}
    assert [info[n].clips for n in ("casme2", "samm", "smic", "smic_hs_long", "megc2019")] == [255, 159, 164, 159, 442]
    assert [info[n].subjects for n in ("casme2", "samm", "smic", "megc2019")] == [26, 29, 16, 68]
    assert info["casme2"].per_subject["casme2/sub17"] == 36
    assert info["smic_hs_long"].counts["emotion"] == {"negative": 66, "positive": 51, "surprise": 42}


@pytest.mark.parametrize("seed", [0, 1, 2])
# Protocols of macro-expressions are tested in test_macro_expressions, those of CD6ME in test_cd6me.
@pytest.mark.parametrize("name", [name for name in PROTOCOLS.names() if not {"macro", "cd6me"} & {*name.split("-")}])
def test_whole_copies_have_the_counts_of_every_protocol(name, seed):
    rules = PROTOCOLS.get(name)
    examples = rules.select(clips_of_whole_copies(seed))
    assert rules.count_mismatches(examples) == []
    assert rules.folds(examples)


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_clips_and_subjects_of_megc_2018(seed):
    clips = [clip for clip in clips_of_whole_copies(seed) if clip.dataset in ("casme2", "samm")]
    clips = [clip for clip in clips if clip.labels["objective"] in ("I", "II", "III", "IV", "V")]
    assert Counter(clip.dataset for clip in clips) == {"casme2": 185, "samm": 68}
    assert Counter(s.split("/")[0] for s in {clip.subject for clip in clips}) == {"casme2": 26, "samm": 21}


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_clips_and_subjects_of_megc_2019(seed):
    examples = PROTOCOLS.get("megc2019-cde").select(clips_of_whole_copies(seed))
    assert Counter(e.clip.subject for e in examples) == {p: n for part in PARTS.values() for p, n in part.items()}
    assert Counter(e.clip.dataset for e in examples) == {"casme2": 145, "samm": 133, "smic": 164}
    assert Counter(e.label for e in examples) == {"negative": 250, "positive": 109, "surprise": 83}


@pytest.mark.parametrize("subjects", [1, 2, 3, 4, 5, 8, 12])
@pytest.mark.parametrize("release", [casme2, samm, smic])
def test_few_subjects_show_two_classes_each(release, subjects):
    specs = release.clip_specs(subjects, 0)
    assert len({spec.subject for spec in specs}) == subjects
    specs = [spec for spec in specs if spec.emotion not in ("others", "sadness", "fear", "Other")]
    for subject, n_clips in Counter(spec.subject for spec in specs).items():
        classes = {synthetic_clips.three_class(spec.emotion) for spec in specs if spec.subject == subject}
        assert len(classes) >= min(n_clips, 2), subject


def test_action_units_have_their_objective_class_by_the_published_table():
    for spec in (*casme2.clip_specs(None, 0), *samm.clip_specs(None, 0)):
        assert objective_class(spec.action_units) == spec.objective


def test_frames_are_sorted_by_number_not_by_name(synthetic_datasets):
    clip = synthetic_datasets["casme2"].clips()[0]
    names = sorted(p.name for p in clip.source.iterdir())
    by_number = sorted(names, key=lambda n: int("".join(filter(str.isdigit, n))))
    assert names != by_number
    numbers = list(open_frames(clip.source).numbers)
    assert numbers == sorted(numbers) and numbers[0] < clip.onset < clip.apex <= clip.offset < numbers[-1]


def test_subjects_of_two_releases_never_have_the_same_id(synthetic_datasets):
    subjects = [
        {clip.subject for clip in synthetic_datasets[n].clips()}
        for n in ("casme2", "samm", "smic", "smic_vis", "folder")
    ]
    assert len(set().union(*subjects)) == sum(map(len, subjects))


def test_a_clip_has_the_same_id_in_the_composite_and_in_its_release(synthetic_datasets):
    raw = {clip.id for name in ("casme2", "samm", "smic") for clip in synthetic_datasets[name].clips()}
    listed = {clip.id for clip in synthetic_datasets["megc2019"].clips()}
    assert listed < raw and {i for i in raw if i.startswith("smic/")} < listed
    assert {clip.id for clip in synthetic_datasets["megc2019_faces"].clips()} == listed
    assert all(clip.dataset == clip.id.split("/")[0] for clip in synthetic_datasets["megc2019"].clips())


def test_the_synthetic_composite_spells_smic_clips_as_the_release_does(synthetic_datasets):
    text = (synthetic_datasets["megc2019"].root / "combined_3_class2_for_optical_flow.csv").read_text()
    assert "smic,s01,s01_ne_01,0,,s01_s1_ne_01.jpg," in text
    assert (synthetic_datasets["megc2019"].root / "STSNet_whole_norm_u_v_os" / "s01_s01_ne_01 .png").is_file()
    assert (synthetic_datasets["smic"].root / "SMIC_all_cropped/HS/s1/micro/negative/s1_ne_01").is_dir()


@pytest.mark.parametrize("column", ["filename", "filename_e", ""])
def test_lists_of_the_composite_with_other_headers_are_read(synthetic_datasets, tmp_path, column):
    dataset = damaged(synthetic_datasets, "megc2019", tmp_path)
    lines = (dataset.root / "combined_3_class2_for_optical_flow.csv").read_text().splitlines()
    (dataset.root / "combined_3_class2_for_optical_flow.csv").unlink()
    head = [f"dataset,sub,{column},label"] if column else []
    body = [",".join(line.split(",")[:4]) for line in lines[1:]]
    (dataset.root / "combined_3class_gt.csv").write_text("\n".join(head + body))
    assert dataset.clips() == [
        type(c)(**{**vars(c), "source": dataset.root / c.source.relative_to(synthetic_datasets["megc2019"].root)})
        for c in synthetic_datasets["megc2019"].clips()
    ]


def test_two_cameras_of_smic_in_one_folder(synthetic_datasets, tmp_path):
    dataset = damaged(synthetic_datasets, "smic", tmp_path)
    shutil.copytree(
        synthetic_datasets["smic_vis"].root / "SMIC_all_cropped", dataset.root / "SMIC_all_cropped", dirs_exist_ok=True
    )
    fast, slow = dataset.clips(), DATASETS.get("smic_vis")(dataset.root).clips()
    assert {clip.fps for clip in fast} == {100} and {clip.fps for clip in slow} == {25}
    assert [clip.id for clip in fast] == [clip.id for clip in synthetic_datasets["smic"].clips()]
    assert [clip.id for clip in slow] == [clip.id for clip in synthetic_datasets["smic_vis"].clips()]


def test_both_spellings_of_a_subject_of_smic(synthetic_datasets, tmp_path):
    short, long = (
        damaged(synthetic_datasets, "smic", tmp_path / "a"),
        damaged(synthetic_datasets, "smic_hs_long", tmp_path / "b"),
    )
    for top in (short.root / "SMIC_all_cropped" / "HS", long.root / "HS_long" / "SMIC_HS_E"):
        (top / "s1").rename(top / "s01")
    assert [clip.id for clip in short.clips()] == [clip.id for clip in synthetic_datasets["smic"].clips()]
    assert [clip.id for clip in long.clips()] == [clip.id for clip in synthetic_datasets["smic_hs_long"].clips()]


def test_raw_images_are_read_where_there_are_no_cropped_ones(synthetic_datasets, tmp_path):
    dataset = damaged(synthetic_datasets, "casme2", tmp_path)
    (dataset.root / "Cropped").rename(dataset.root / "CASME2_RAW_selected")
    for path in list(dataset.root.glob("CASME2_RAW_selected/*/*/*.jpg")):
        path.rename(path.with_name(path.name.removeprefix("reg_")))
    assert [c.apex for c in dataset.clips()] == [c.apex for c in synthetic_datasets["casme2"].clips()]


def test_the_older_sheet_of_casme2_is_preferred(synthetic_datasets, tmp_path):
    dataset = damaged(synthetic_datasets, "casme2", tmp_path)
    old, new = (dataset.root / f"CASME2-coding-{date}.xlsx" for date in ("20140508", "20190701"))
    new.write_bytes(b"never read while the older one is there")
    assert dataset.clips()
    old.replace(new)
    assert dataset.clips()[0].labels == synthetic_datasets["casme2"].clips()[0].labels


def test_samm_in_a_subfolder_of_its_own(synthetic_datasets, tmp_path):
    shutil.copytree(synthetic_datasets["samm"].root, tmp_path / "SAMM_CROP")
    clips = type(synthetic_datasets["samm"])(tmp_path).clips()
    assert [clip.id for clip in clips] == [clip.id for clip in synthetic_datasets["samm"].clips()]
    assert clips[0].labels.keys() == {"emotion", "objective", "action_units"}


def test_the_emotion_others_of_samm_is_read_as_other(synthetic_datasets, tmp_path):
    dataset = damaged(synthetic_datasets, "samm", tmp_path)
    book = openpyxl.load_workbook(sheet := dataset.root / "SAMM_Micro_FACS_Codes_v2.xlsx")
    [column] = [cell.column for cell in book.active[14] if cell.value == "Estimated Emotion"]
    book.active.cell(15, column).value = "Others"
    book.save(sheet)
    changed = {clip.labels["emotion"] for clip in dataset.clips()} - {"Other"}
    assert changed <= {clip.labels["emotion"] for clip in synthetic_datasets["samm"].clips()}


def test_a_users_folder_may_mix_videos_and_folders_of_images(synthetic_datasets):
    clips = synthetic_datasets["folder"].clips()
    assert {clip.source.suffix for clip in clips} == {".mp4", ""}
    assert {clip.labels["emotion"] for clip in clips} == {"negative", "positive", "surprise"}
    assert (
        synthetic_datasets["folder"].info.clips == 0 and len(synthetic_datasets["folder"].check()) == 1
    )  # it has no published numbers


def test_synthetic_flow_of_the_composite_is_stretched_to_the_whole_range(synthetic_datasets):
    image = open_frames(synthetic_datasets["megc2019"].clips()[0].source).read(0)
    assert image.shape == (28, 28, 3)
    assert (image.min(axis=(0, 1)) == 0).all() and (image.max(axis=(0, 1)) == 255).all()


def test_the_fingerprint_changes_with_the_frames_and_the_seed(synthetic_datasets, tmp_path):
    dataset = damaged(synthetic_datasets, "smic", tmp_path)
    before = synthetic_datasets["smic"].fingerprint()
    assert dataset.fingerprint() == before
    next(dataset.clips()[0].source.glob("image5.*")).write_bytes(b"another image")
    assert dataset.fingerprint() != before
    other = DATASETS.get("smic").make_synthetic(tmp_path / "seed", subjects=3, image_scale=0.25, seed=1)
    assert other.fingerprint() != before


def test_open_dataset_finds_the_folder_of_the_user(synthetic_datasets, monkeypatch):
    assert open_dataset("samm", str(synthetic_datasets["samm"].root)).clips() == synthetic_datasets["samm"].clips()
    with pytest.raises(MissingDataError, match="MICROEXPR_DATA is not set"):
        open_dataset("samm")
    monkeypatch.setenv("MICROEXPR_DATA", str(synthetic_datasets["samm"].root.parent))
    assert open_dataset("samm").clips() == synthetic_datasets["samm"].clips()
    assert open_dataset("samm").synthetic


def test_open_dataset_names_the_nearest_right_name():
    with pytest.raises(UnknownNameError, match="did you mean 'casme2'"):
        open_dataset("casme22")


def test_synthesize_opens_an_equal_copy_again(tmp_path):
    made = synthesize("jaffe", tmp_path / "jaffe", subjects=1, image_scale=0.2)
    n_clips = len(made.clips())
    made.clips()[0].source.unlink()
    again = synthesize("jaffe", tmp_path / "jaffe", subjects=1, image_scale=0.2, exist_ok=True)
    assert len(again.clips()) == n_clips - 1  # it is opened, not written anew
    with pytest.raises(UsageError, match="not an empty folder"):
        synthesize("jaffe", tmp_path / "jaffe", subjects=1, image_scale=0.2)


def test_synthesize_never_opens_anything_else(tmp_path):
    synthesize("jaffe", tmp_path / "jaffe", subjects=1, image_scale=0.2)
    for other in ({"subjects": 2}, {"image_scale": 0.3}, {"seed": 1}):
        [(name, value)] = other.items()
        with pytest.raises(UsageError, match=f"another synthetic copy .{name} = .* instead of {value}"):
            synthesize("jaffe", tmp_path / "jaffe", **({"subjects": 1, "image_scale": 0.2, "exist_ok": True} | other))
    with pytest.raises(UsageError, match="dataset = jaffe instead of smic"):
        synthesize("smic", tmp_path / "jaffe", subjects=1, image_scale=0.2, exist_ok=True)
    (tmp_path / "notes.txt").touch()
    with pytest.raises(UsageError, match="not an empty folder"):
        synthesize("jaffe", tmp_path, exist_ok=True)


def test_arguments_of_a_synthetic_copy_are_checked(synthetic_datasets):
    with pytest.raises(UsageError, match="not an empty folder"):
        DATASETS.get("smic").make_synthetic(synthetic_datasets["smic"].root)
    for wrong in ({"image_scale": 0.0}, {"image_scale": 2.0}, {"subjects": 0}):
        with pytest.raises(UsageError, match="must be"):
            DATASETS.get("smic").make_synthetic(synthetic_datasets["smic"].root / "x", **wrong)


def test_a_whole_copy_of_jaffe(tmp_path):
    made = DATASETS.get("jaffe").make_synthetic(tmp_path / "jaffe", image_scale=0.2)
    assert [issue.field for issue in made.check()] == ["folder"]  # it is synthetic, and nothing else
    five = ("anger", "disgust", "happiness", "sadness", "surprise")
    assert sum(clip.labels["emotion"] in five for clip in made.clips()) == 151  # as in Peng et al. 2018
    (made.root / "portrait.tiff").write_bytes(b"")
    with pytest.raises(AnnotationError, match=r"portrait\.tiff: is not named like"):
        made.clips()


def test_a_data_set_shows_its_facts_in_a_notebook(tmp_path):
    dataset = DATASETS.get("casme2")(tmp_path)
    assert repr(dataset) == f"<Casme2 'casme2' in '{tmp_path}'>"
    assert "<th>subjects of the release</th><td>26</td>" in dataset._repr_html_()
    assert "casme2" in repr(DATASETS)


@pytest.mark.parametrize(
    ("units", "rows"), [(((1, ""), (2, "")), (0, 7)), (((12, ""),), (14, 24)), (((17, ""),), (20, 27))]
)
def test_faces_lie_in_the_copy_of_the_composite_as_in_the_release(units, rows):
    camera = Camera(size=(224, 224), drift=0.0, noise=0.0)
    clip = render_clip(3, units=units, camera=camera, timing=Timing(2, 14, 25, 30, 100.0), amplitude=4.0)
    v = _flow_image(clip, *SYNTHETIC_FLOWS[FLOWS[0]])[..., 1].astype(float)
    strongest = np.abs(v - np.median(v)).argmax() // 28
    assert rows[0] <= strongest <= rows[1]


@pytest.mark.parametrize("name", [name for name, cls in DATASETS if not cls.read_needs_images])
def test_a_copy_without_images_has_the_same_annotations(name, tmp_path):
    release = DATASETS.get(name)
    images = release.make_synthetic(tmp_path / "images", subjects=1, image_scale=0.1)
    sheets = release.make_synthetic(tmp_path / "sheets", subjects=1, image_scale=0)
    assert sheets.annotation_fingerprint() == images.annotation_fingerprint()
    assert not [path for path in sheets.root.rglob("*") if path.suffix in (".jpg", ".png", ".bmp")]
    assert len(sheets.missing()) == len(images.clips())


def test_a_release_whose_clips_are_its_images_has_no_copy_without_them(tmp_path):
    with pytest.raises(UsageError, match=r"image_scale = 0: .*since its clips are read from its images"):
        DATASETS.get("smic").make_synthetic(tmp_path / "copy", subjects=1, image_scale=0)
