"""Releases of macro-expressions: a sequence is a clip with its apex, an image is a clip of one frame."""

import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from microexpr.core.clip import Clip
from microexpr.core.errors import AnnotationError, DataError, MissingDataError, ProtocolError
from microexpr.datasets import DATASETS, Dataset, ckplus, fer2013, mug
from microexpr.datasets import _macro as macro
from microexpr.imaging.frames import open_frames
from microexpr.imaging.images import read_image, write_image
from microexpr.protocols import PROTOCOLS, select_frames
from tests.datasets.test_datasets import damaged

FIVE = ("anger", "disgust", "happiness", "sadness", "surprise")
NAMES = ("ckplus", "ckplus48", "fer2013", "mug", "oulu_casia")


def issues(dataset: Dataset) -> str:
    return "\n".join(map(str, dataset.check()))


def n_of_five_emotions(name: str) -> int:
    """Published number of clips of the five emotions of Peng et al. 2018."""
    return sum(DATASETS.get(name).info.counts["emotion"][emotion] for emotion in FIVE)


def label(dataset: Dataset, kind: str = "Emotion", sequence: str = "S005/001") -> Path:
    return next((dataset.root / kind / sequence).glob("*.txt"))


def test_published_counts_give_the_number_of_images_of_the_paper():
    assert [
        n_of_five_emotions("ckplus"),
        n_of_five_emotions("ckplus48"),
        n_of_five_emotions("oulu_casia"),
        n_of_five_emotions("jaffe"),
    ] == [284, 852, 400, 151]
    lengths = [timing.frames for spec, timing in mug.clip_specs(None, 0) if spec.emotion in FIVE]
    n_mug = sum(min(10, max(6, frames // 6)) for frames in lengths)
    assert (len(lengths), n_mug) == (860, 8228)
    n_ckplus, n_oulu, n_jaffe = (n_of_five_emotions(name) for name in ("ckplus", "oulu_casia", "jaffe"))
    assert 3 * n_ckplus + 3 * n_oulu + n_jaffe + n_mug == 10_431  # Peng et al. 2018, section III B


def clips_of_whole_copies() -> list[Clip]:
    """The clips of whole copies of CK+ and MUG, without their frames."""
    clips = []
    for dataset, release in (("ckplus", ckplus), ("mug", mug)):
        for spec, timing in release.clip_specs(None, 0):
            times = (timing.fps, timing.onset, timing.apex, timing.offset)
            subject, labels = f"{dataset}/{spec.subject}", {"emotion": spec.emotion}
            clips.append(Clip(f"{subject}/{spec.name}", dataset, subject, Path("x"), *times, labels))
    return clips


def test_whole_copies_have_the_counts_of_the_protocol_of_the_paper():
    rules = PROTOCOLS.get("peng2018-macro")
    lines = rules.count_mismatches(rules.select(clips_of_whole_copies()))
    assert lines == ["oulu_casia is missing: 0 of 1200 clips", "jaffe is missing: 0 of 151 clips"]
    assert sum(sum(counts.values()) for counts in rules.counts.values()) + rules.clip_totals["mug"] == 10_431


def test_splits_take_a_tenth_of_the_subjects_or_of_the_images():
    clips = clips_of_whole_copies()
    rules, leaking = PROTOCOLS.get("peng2018-macro"), PROTOCOLS.get("peng2018-macro-leaking")
    [fold], [leaky] = rules.folds(rules.select(clips)), leaking.folds(leaking.select(clips))
    assert not fold.subjects("train") & fold.subjects("test")
    assert {d: len([p for p in fold.subjects("test") if p.startswith(d)]) for d in ("ckplus", "mug")} == {
        "ckplus": round(len({c.subject for c in clips if c.dataset == "ckplus" and c.labels["emotion"] in FIVE}) / 10),
        "mug": 9,
    }
    assert leaking.leaks and leaky.subjects("train") & leaky.subjects("test")
    assert len(leaky.test) == round((len(leaky.test) + len(leaky.train)) / 10)


def test_select_frames_takes_those_nearest_to_the_apex():
    clip = Clip("ckplus/S1/1", "ckplus", "ckplus/S1", Path("x"), 30, 1, 20, 20)
    assert [frame.apex for frame in select_frames(clip, (3, 3))] == [18, 19, 20]
    assert [frame.id for frame in select_frames(clip, (1, 1))] == ["ckplus/S1/1/20"]
    middle = replace(clip, apex=10)
    assert [frame.apex for frame in select_frames(middle, (2, 10))] == [9, 10, 11]  # a sixth of 20 frames
    assert select_frames(clip, None) == [clip]
    with pytest.raises(ProtocolError, match="has no onset, apex or offset"):
        select_frames(replace(clip, apex=None), (3, 3))


def test_published_numbers_of_macro_expressions():
    info = {name: DATASETS.get(name).info for name in NAMES}
    assert [info[name].clips for name in NAMES] == [593, 981, 35_887, 0, 480]
    assert [info[name].subjects for name in NAMES] == [123, 118, 0, 0, 80]
    assert [info[name].fps for name in NAMES] == [30, 0, 0, 19, 25]
    assert info["ckplus"].counts["emotion"][""] == 593 - 327
    assert info["fer2013"].counts["usage"] == {"Training": 28_709, "PublicTest": 3589, "PrivateTest": 3589}
    counts = dict(zip(fer2013.EMOTIONS, (4953, 547, 5121, 8989, 6077, 4002, 6198), strict=True))
    assert info["fer2013"].counts["emotion"] == counts


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_clips_of_a_whole_copy_of_ckplus(seed):
    specs = ckplus.clip_specs(None, seed)
    assert len({(spec.subject, spec.name) for spec, _ in specs}) == 593
    assert len({spec.subject for spec, _ in specs if spec.emotion}) == 118
    assert {timing.apex for _, timing in specs} == {timing.frames - 1 for _, timing in specs}
    assert {spec.units for spec, _ in specs if spec.emotion == "contempt"} == {((14, ""),)}


def test_clips_of_a_whole_copy_of_mug():
    specs = mug.clip_specs(None, 0)
    assert len({(spec.subject, spec.name) for spec, _ in specs}) == 1032
    assert len({spec.subject for spec, _ in specs}) == 86
    assert {timing.frames for _, timing in specs} == {54, 60}


@pytest.mark.parametrize(
    ("name", "first", "apex"),
    [("ckplus", "ckplus/S005/001", 1), ("oulu_casia", "oulu_casia/P001/Anger", 1), ("mug", "mug/001/", 0.5)],
)
def test_a_sequence_is_a_clip(synthetic_datasets, name, first, apex):
    for clip in synthetic_datasets[name].clips():
        numbers = open_frames(clip.source).numbers
        assert (clip.onset, clip.offset) == (numbers[0], numbers[-1])
        assert clip.apex == (numbers[-1] if apex == 1 else numbers[len(numbers) // 2])
    clip = synthetic_datasets[name].clips()[0]
    assert clip.id.startswith(first)
    assert clip.labels["emotion"] == "anger"
    assert {clip.labels["emotion"] for clip in synthetic_datasets[name].clips()} >= set(macro.BASIC_EMOTIONS)


@pytest.mark.parametrize("name", ["ckplus", "oulu_casia", "mug"])
def test_the_apex_differs_most_from_the_onset(synthetic_datasets, name):
    clip = synthetic_datasets[name].clips()[0]
    frames = open_frames(clip.source)
    first = frames.read(clip.onset).astype(float)
    change = {n: np.percentile(np.abs(frames.read(n) - first), 99.5) for n in frames.numbers}
    assert abs(max(change, key=change.get) - clip.apex) <= 2
    assert change[clip.apex] > 1.2 * change[clip.onset + 1]


def test_frames_are_ordered_by_number(synthetic_datasets, tmp_path):
    made = damaged(synthetic_datasets, "oulu_casia", tmp_path)
    source = made.clips()[0].source
    for path in source.iterdir():
        path.rename(path.with_name(f"{int(path.stem)}.jpeg"))  # 10 stands before 2 in any listing
    clip = made.clips()[0]
    assert (clip.onset, clip.apex, clip.offset) == (0, 11, 11)
    shutil.copy(source / "1.jpeg", source / "01.jpeg")
    with pytest.raises(AnnotationError, match="have the same frame number, 1"):
        made.clips()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("   8.0000000e+00\n", r"S005/001: emotion = 8\.0000000e\+00: is not one code from 0 to 7; see '.*txt'"),
        ("anger", "emotion = anger: holds something else than whole numbers"),
        ("nan", "emotion = nan: holds something else than whole numbers"),
        ("-1", "emotion = -1: holds something else than whole numbers"),
        ("1.5", "emotion = 1.5: holds something else"),
        ("", "emotion = nothing: is not one code"),
        ("1\n3\n", "emotion = 1 3: is not one code"),
    ],
)
def test_a_wrong_label_of_ckplus_is_named(synthetic_datasets, tmp_path, text, message):
    made = damaged(synthetic_datasets, "ckplus", tmp_path)
    label(made).write_text(text)
    with pytest.raises(AnnotationError, match=message):
        made.clips()


def test_every_code_of_ckplus_is_its_emotion(synthetic_datasets, tmp_path):
    made = damaged(synthetic_datasets, "ckplus", tmp_path)
    for code, emotion in enumerate(ckplus.EMOTIONS):
        label(made).write_text(f"   {code:.7e}\n")
        assert made.clips()[0].labels["emotion"] == emotion


def test_action_units_of_ckplus(synthetic_datasets, tmp_path):
    made = damaged(synthetic_datasets, "ckplus", tmp_path)
    label(made, "FACS").write_text("   1.0000000e+00   0.0000000e+00\n   2.0000000e+00   3.0000000e+00\n5 0\n")
    assert made.clips()[0].labels["action_units"] == "1+2+5"
    label(made, "FACS").write_text("R4 1")
    with pytest.raises(AnnotationError, match="action_units = R4 1: holds something else"):
        made.clips()
    shutil.rmtree(made.root / "FACS")
    assert "action_units" not in made.clips()[0].labels


def test_sequences_of_ckplus_without_an_emotion(synthetic_datasets, tmp_path):
    made = damaged(synthetic_datasets, "ckplus", tmp_path)
    label(made).unlink()  # the folder stays, as in the release
    shutil.rmtree(made.root / "Emotion" / "S005" / "002")
    assert [clip.labels["emotion"] for clip in made.clips()[:3]] == ["", "", "disgust"]
    assert "emotion '' = 5: the release has 266" in issues(made)
    shutil.rmtree(made.root / "Emotion")
    with pytest.raises(MissingDataError, match="has no emotion labels; looked for Emotion, Emotion_labels/Emotion"):
        made.clips()


def test_a_missing_apex_of_ckplus_is_named(synthetic_datasets, tmp_path):
    made = damaged(synthetic_datasets, "ckplus", tmp_path)
    clip = made.clips()[0]
    (clip.source / f"S005_001_{clip.apex:08d}.png").unlink()
    with pytest.raises(AnnotationError, match=f"S005/001: apex = {clip.apex}: .*"):
        made.clips()
    shutil.rmtree(clip.source)
    assert "ckplus/S005/001: source" in issues(made)
    assert len(made.clips(allow_missing=True)) == 23
    (label(made).parent / "S005_001_00000003_emotion.txt").write_text("1")
    assert "a sequence has one such file at most" in issues(made)


def test_ckplus_as_its_archives_unpack(synthetic_datasets, tmp_path):
    made = damaged(synthetic_datasets, "ckplus", tmp_path)
    before = [(clip.id, clip.labels, clip.apex) for clip in made.clips()]
    for name, top in (("cohn-kanade-images", "extended-cohn-kanade-images"), ("Emotion", "Emotion_labels")):
        (made.root / top).mkdir()
        (made.root / name).rename(made.root / top / name)
    assert [(clip.id, clip.labels, clip.apex) for clip in made.clips()] == before
    for person in macro.subfolders(made.root / "extended-cohn-kanade-images" / "cohn-kanade-images"):
        person.rename(made.root / person.name)
    shutil.rmtree(made.root / "extended-cohn-kanade-images")
    assert [(clip.id, clip.labels, clip.apex) for clip in made.clips()] == before


@pytest.mark.parametrize("place", ["B_OriginalImg/VL", "PreProcess/VL_Acropped", "VL_Acropped", "VL"])
def test_places_of_oulu_casia(synthetic_datasets, tmp_path, place):
    made = damaged(synthetic_datasets, "oulu_casia", tmp_path)
    ids = [clip.id for clip in made.clips()]
    (made.root / place).parent.mkdir(exist_ok=True)
    (made.root / "OriginalImg" / "VL").rename(made.root / place)
    assert [clip.id for clip in made.clips()] == ids
    (made.root / place / "Strong" / "P001" / "Boredom").mkdir()
    with pytest.raises(AnnotationError, match="folder = Boredom: is not named after an emotion"):
        made.clips()


def test_layouts_of_mug(synthetic_datasets, tmp_path):
    made = damaged(synthetic_datasets, "mug", tmp_path)
    for person in macro.subfolders(made.root / "subjects3"):
        place = made.root / person.name
        (person / "session0").rename(place)  # neither subjects3/ nor session0/
    shutil.rmtree(made.root / "subjects3")
    (made.root / "001" / "happiness").rename(made.root / "001" / "Happy")
    (made.root / "001" / "sadness").rename(made.root / "001" / "neutral")
    clips = {clip.id: clip.labels["emotion"] for clip in made.clips()}
    assert len(clips) == 18
    assert clips["mug/001/Happy-take000"] == "happiness"
    assert clips["mug/001/neutral-take000"] == "neutral"
    (made.root / "002" / "anger").rename(made.root / "002" / "mimicry")
    assert "mug: folder = 002/mimicry: is not named after an emotion" in issues(made)


def test_mug_has_no_published_counts(synthetic_datasets):
    assert [issue.field for issue in synthetic_datasets["mug"].check()] == [
        "folder"
    ]  # it is synthetic, and nothing else


def test_ckplus48_is_the_end_of_ckplus(synthetic_datasets, tmp_path):
    ends = {}
    for clip in synthetic_datasets["ckplus"].clips():
        if clip.labels["emotion"]:
            _, person, name = clip.id.split("/")
            numbers = open_frames(clip.source).numbers[-3:]
            ends |= {f"ckplus48/{person}/{name}_{n:08d}": clip.labels["emotion"] for n in numbers}
    assert {clip.id: clip.labels["emotion"] for clip in synthetic_datasets["ckplus48"].clips()} == ends
    made = damaged(synthetic_datasets, "ckplus48", tmp_path)
    shutil.copytree(made.root, tmp_path / "nested" / "CK+48")
    assert len(type(made)(tmp_path / "nested").clips()) == len(ends)
    (made.root / "anger" / "face.png").write_bytes(b"")
    (made.root / "joy").mkdir()
    assert "anger/face.png: is not named like S010_004_00000017.png" in issues(made)
    assert "joy: is not named after an emotion" in issues(made)


def test_fer2013_as_csv_and_as_folders(synthetic_datasets, tmp_path):
    table = synthetic_datasets["fer2013"]
    clips = table.clips()
    for clip in clips:
        split = "train" if clip.labels["usage"] == "Training" else "test"
        name = f"{clip.labels['usage']}_{clip.subject.split('/')[1]}.png"
        emotion = {"anger": "angry", "happiness": "happy", "sadness": "sad"}.get(
            clip.labels["emotion"], clip.labels["emotion"]
        )
        write_image(tmp_path / split / emotion / name, read_image(clip.source)[..., 0])
    rows = {clip.source.stem.split("_")[1]: clip for clip in type(table)(tmp_path).clips()}
    assert len(rows) == len(clips) == 3 * 7 * 2
    for clip in clips:
        other = rows[clip.subject.split("/")[1]]
        assert clip.labels == other.labels
        assert np.array_equal(read_image(clip.source), read_image(other.source))


def test_fer2013_reads_validation_and_names_what_is_passed_over(tmp_path):
    for name in ("train/angry/Training_1.jpg", "validation/happy/PublicTest_2.jpg", "val/sad/3.jpg", "extra/sad/4.jpg"):
        write_image(tmp_path / name, np.zeros((8, 8), np.uint8))
    dataset = fer2013.Fer2013(tmp_path)
    clips, issues = dataset.read()
    usages = [clip.labels["usage"] for clip in clips]
    assert sorted(usages) == ["PublicTest", "PublicTest", "Training"]
    assert [(issue.value, issue.reason[:14]) for issue in issues] == [("extra", "is passed over")]


def test_rows_of_a_whole_copy_of_fer2013_have_the_published_counts():
    rows = fer2013._rows(None, 0)
    counts = DATASETS.get("fer2013").info.counts
    assert Counter(emotion for _, emotion, _ in rows) == counts["emotion"]
    assert Counter(usage for usage, _, _ in rows) == counts["usage"]


def test_rows_of_fer2013_become_images(tmp_path):
    pixels = [list(range(48)) * 48, [255] * 2304]
    rows = ((6, "Training", pixels[0]), (3, "PrivateTest", pixels[1]))
    lines = [f"{code}, {usage}, {' '.join(map(str, values))}" for code, usage, values in rows]
    (tmp_path / "icml_face_data.csv").write_text("\n".join(["emotion, Usage, pixels", *lines]) + "\n")
    first, second = DATASETS.get("fer2013")(tmp_path).clips()
    assert (first.subject, first.labels) == ("fer2013/00000", {"emotion": "neutral", "usage": "Training"})
    assert (second.subject, second.labels) == ("fer2013/00001", {"emotion": "happiness", "usage": "PrivateTest"})
    assert read_image(first.source)[..., 0].ravel().tolist() == pixels[0]


@pytest.mark.parametrize(
    ("row", "text"),
    [
        (f"7,{'0 ' * 2304},Training", "fer2013.csv, line 3: emotion = 7: is not a code from 0 to 6"),
        (f"0,{'0 ' * 2304},Test", "line 3: Usage = Test: is not one of Training, PublicTest, PrivateTest"),
        (f"0,{'0 ' * 2303},Training", "line 3: pixels = 2303 numbers: an image has 48x48 = 2304"),
        (f"0,{'256 ' * 2304},Training", r"line 3: pixels = 256 256 .*\.\.\.: holds something else than numbers"),
        (f"0,{'x ' * 2304},Training", "holds something else than numbers from 0 to 255"),
    ],
)
def test_wrong_rows_of_fer2013_are_named(tmp_path, row, text):
    (tmp_path / "fer2013.csv").write_text(f"emotion,pixels,Usage\n1,{'9 ' * 2304},Training\n{row}\n")
    made = DATASETS.get("fer2013")(tmp_path)
    for _ in range(2):  # named again when the images are unpacked already
        with pytest.raises(AnnotationError, match=text):
            made.clips()
    assert "emotion 'disgust' = 1: the release has 547" in issues(made)


def test_a_killed_process_leaves_no_half_unpacked_csv(synthetic_datasets, tmp_path, monkeypatch):
    monkeypatch.setenv("MICROEXPR_CACHE", str(tmp_path))
    done = []

    def killed(path, picture):
        done.append(path)
        write_image(path, picture)
        if len(done) == 5:
            raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(fer2013, "write_image", killed)
        with pytest.raises(KeyboardInterrupt):
            synthetic_datasets["fer2013"].clips()
    assert len(synthetic_datasets["fer2013"].clips()) == 42
    assert len(list((tmp_path / "unpacked").iterdir())) == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_folder_without_images_is_an_error(tmp_path, name):
    (tmp_path / "readme.txt").touch()
    with pytest.raises(MissingDataError, match="has no"):
        DATASETS.get(name)(tmp_path).clips()


def test_a_csv_of_fer2013_without_a_column_is_an_error(tmp_path):
    (tmp_path / "fer2013.csv").write_text("emotion,pixels\n0,1\n")
    with pytest.raises(DataError, match="lacks the column 'Usage'"):
        DATASETS.get("fer2013")(tmp_path).clips()


def test_files_of_fer2013_without_a_usage_in_their_name(tmp_path):
    for split, emotion in (("train", "angry"), ("test", "Sad")):
        write_image(tmp_path / split / emotion / "1.png", np.zeros((48, 48), np.uint8))
    clips = DATASETS.get("fer2013")(tmp_path).clips()
    found = {clip.subject: tuple(clip.labels.values()) for clip in clips}
    assert found == {"fer2013/test-Sad-1": ("sadness", "Test"), "fer2013/train-angry-1": ("anger", "Training")}


def test_landmarks_of_ckplus(synthetic_datasets, tmp_path):
    made = damaged(synthetic_datasets, "ckplus", tmp_path)
    clip = made.clips()[0]
    found = made.landmarks(clip)
    assert list(found) == list(open_frames(clip.source).numbers)
    image = open_frames(clip.source).read(clip.onset)
    assert found[clip.onset].shape == (68, 2) and (found[clip.onset] < image.shape[1::-1]).all()
    assert not np.array_equal(found[clip.onset], found[clip.apex])
    assert "Landmarks" not in issues(made)
    (made.root / "Landmarks").rename(made.root / "L")
    (made.root / "Landmarks").mkdir()
    (made.root / "L").rename(made.root / "Landmarks" / "Landmarks")  # as the archive unpacks
    assert list(made.landmarks(clip)) == list(found)
    path = next((made.root / "Landmarks" / "Landmarks" / "S005" / "001").glob("*.txt"))
    for text in ("1 2\n" * 67, "x y\n" * 68, "", "nan 1\n" * 68):
        path.write_text(text)
        with pytest.raises(AnnotationError, match="68 lines of two numbers"):
            made.landmarks(clip)
    shutil.rmtree(made.root / "Landmarks")
    assert made.landmarks(clip) == {} == synthetic_datasets["jaffe"].landmarks(synthetic_datasets["jaffe"].clips()[0])
