"""Pictures for people: directions, marks, fixed scales, orders of colors, figures that can be read again."""

import numpy as np
import pytest

from microexpr.core.clip import Clip, Sample
from microexpr.experiments.examples import (
    PIXELS,
    ExampleClip,
    input_image,
    load_examples,
    select_frame_numbers,
    write_examples,
)
from microexpr.imaging.flow_colors import arrow_image, channel_image, flow_image, full_color_limit, wheel_legend
from microexpr.imaging.images import read_image, write_images
from microexpr.preprocessing import Chain, SampleCache
from microexpr.protocols import Example
from microexpr.reports import plots as draw


def constant(u: float, v: float, side: int = 28) -> np.ndarray:
    """A flow that is the same everywhere."""
    return np.dstack([np.full((side, side), u), np.full((side, side), v), np.full((side, side), np.hypot(u, v))])


def sample(**arrays: np.ndarray) -> Sample:
    return Sample(Clip("d/p/c", "d", "d/p", None, 200), arrays)


@pytest.mark.parametrize(
    ("u", "v", "color"),
    [(1, 0, (255, 0, 0)), (-1, 0, (0, 255, 255)), (0, 1, (128, 255, 0)), (0, -1, (128, 0, 255)), (0, 0, (255,) * 3)],
)
def test_the_wheel_tells_directions(u, v, color):
    assert np.abs(flow_image(constant(u, v), 1.0)[3, 3].astype(int) - color).max() <= 2
    legend = wheel_legend(101)
    assert np.abs(legend[50 + 50 * v, 50 + 50 * u].astype(int) - color).max() <= 6


def test_the_strength_of_a_color_is_the_length():
    half, full = flow_image(constant(0.5, 0), 1.0)[0, 0], flow_image(constant(3, 0), 1.0)[0, 0]
    assert tuple(full) == (255, 0, 0) and half[0] == 255 and abs(int(half[1]) - 128) < 3
    assert [full_color_limit(side) for side in (0, 28, 96, 128, 224)] == [1.0, 0.5, 1.0, 1.5, 2.0]


@pytest.mark.parametrize(("u", "v"), [(1, 0), (0, 1)])
def test_arrows_lie_along_the_motion(u, v):
    shown = arrow_image(constant(u, v), columns=1, side=101, limit=2.0)
    yellow = np.argwhere((shown > 150).sum(axis=2) >= 2)
    spread = np.ptp(yellow, axis=0)  # rows, columns
    assert spread[0 if v else 1] > 80
    assert min(spread) < 60
    assert (arrow_image(constant(0, 0)) == 90).all()


def test_arrows_over_a_face_keep_the_face():
    face = np.full((60, 60, 3), 200, np.uint8)
    assert (arrow_image(constant(0, 0), face) == 200).all()
    assert (arrow_image(constant(1, 1), face) != 200).any()


def test_channels_do_not_depend_on_the_clips_extremes():
    quiet, loud = np.zeros((4, 4)), np.zeros((4, 4))
    quiet[0, 0] = loud[0, 0] = 0.4
    loud[3, 3] = 50
    assert tuple(channel_image(quiet, 1.0)[0, 0]) == tuple(channel_image(loud, 1.0)[0, 0])
    signed = channel_image(np.array([[-9.0, 0.0, 9.0]]), 1.0)
    assert [tuple(one) for one in signed[0]] == list(draw.SIGNED_COLORS)  # type: ignore[attr-defined]
    assert tuple(channel_image(np.zeros((1, 1)), 1.0, signed=False)[0, 0]) == (255, 255, 255)


def test_marked_frames_are_always_chosen():
    marks = {4: "onset", 25: "apex", 73: "offset"}
    numbers = select_frame_numbers(range(4, 74), marks)
    assert len(numbers) <= 9 and set(marks) <= set(numbers) and list(numbers) == sorted(numbers)
    assert select_frame_numbers([1, 2, 3], {1: "onset", 2: "apex"}) == (1, 2, 3)


def test_marks_stand_at_their_frames():
    frames = np.zeros((3, 8, 8, 3), np.uint8)
    one = ExampleClip("happiness", "d/p/c", "d", (4, 9, 30), {4: "onset", 9: "apex", 30: "offset"}, strip=frames)
    figure = draw.strip_figure(one)
    assert [place.get_title() for place in figure.axes] == ["4\nonset", "9\napex", "30\noffset"]
    assert all(place.spines["top"].get_visible() for place in figure.axes)


def test_blue_faces_are_turned_and_scales_taken_back():
    red = np.zeros((9, 9, 3), np.uint8)
    red[..., 0] = 200
    bgr = [{"name": "select-frame", "channels": "bgr"}, {"name": "scale", "subtract": 127.5, "divide": 127.5}]
    shown = input_image(sample(image=(red[..., ::-1] - np.float32(127.5)) / np.float32(127.5)), Chain.build(bgr).steps)
    assert tuple(shown[5, 5]) == (200, 0, 0)
    assert tuple(
        input_image(sample(image=red), Chain.build([{"name": "select-frame", "channels": "rgb"}]).steps)[5, 5]
    ) == (200, 0, 0)
    assert input_image(sample(vector=np.zeros(5))) is None


CHAIN = [{"name": "onset-apex"}, {"name": "flow", "estimator": "dis"}, {"name": "scale", "divide": 0.5}]


def kept_of(synthetic_datasets, folder, cache, steps, faces):
    clips = [clip for clip in synthetic_datasets["casme2"].clips() if clip.apex is not None][:2]
    chain = Chain.build(steps)
    samples = SampleCache(chain, [clip.blind(("onset", "apex", "offset")) for clip in clips], cache)
    write_examples(folder, [Example(clip, "a/b") for clip in clips], samples, faces, chain)
    return load_examples(folder), clips[0], samples[clips[0].id]


def test_a_descriptor_of_a_flow_leaves_no_flow_to_draw(synthetic_datasets, tmp_path):
    descriptor = {"name": "descriptor", "feature": {"name": "hoof", "grid": [2, 2]}}
    flow = next(i for i, step in enumerate(CHAIN) if step["name"] == "flow")
    [one], clip, _ = kept_of(synthetic_datasets, tmp_path / "run", tmp_path, [*CHAIN[: flow + 1], descriptor], True)
    assert one.clip == clip.id and one.flow is None and one.strip is not None


def test_a_flow_is_kept_in_pixels_with_its_face_and_times(synthetic_datasets, tmp_path):
    [one], clip, shown = kept_of(synthetic_datasets, tmp_path / "run", tmp_path, CHAIN, True)
    assert (one.label, one.clip, one.dataset, one.extra_channel, one.unit) == (
        "a/b",
        clip.id,
        "casme2",
        "strain",
        PIXELS,
    )
    assert one.marks == {clip.onset: "onset", clip.apex: "apex", clip.offset: "offset"}
    assert len(one.numbers) == len(one.strip) and set(one.marks) <= set(one.numbers)
    small = shown.arrays["image"].shape == one.flow.shape
    assert not small or np.allclose(one.flow, 0.5 * shown.arrays["image"], atol=1e-6)
    assert one.face is not None and len(draw.flow_figure(one).axes) == 6


def test_real_faces_are_never_kept(synthetic_datasets, tmp_path):
    [one], _, _ = kept_of(synthetic_datasets, tmp_path / "run", tmp_path, CHAIN, False)
    assert one.strip is None and one.face is None and one.input_frames is None and one.flow is not None
    assert not list((tmp_path / "run" / "examples").glob("*apex*"))
    found, _, _ = kept_of(synthetic_datasets, tmp_path / "frames", tmp_path, [{"name": "sequence"}], False)
    assert found == []


def test_sequences_are_kept_as_they_are_seen(synthetic_datasets, tmp_path):
    [one], _, _ = kept_of(synthetic_datasets, tmp_path / "run", tmp_path, [{"name": "sequence"}], True)
    assert one.input_frames is not None and 2 <= len(draw.sequence_figure(one).axes) <= 9
    flows = ExampleClip("a", "d/p/c", "d", flows=np.stack([constant(1, 0)] * 4))
    assert len(draw.flows_figure(flows).axes) == 5  # and the wheel


def test_an_unknown_step_after_the_flow_takes_its_unit(synthetic_datasets, tmp_path):
    [one], _, _ = kept_of(
        synthetic_datasets, tmp_path / "run", tmp_path, [*CHAIN[:2], {"name": "scale", "subtract": 1.0}], False
    )
    assert one.unit != PIXELS and one.limit == pytest.approx(float(np.abs(one.flow).max()))


def test_curves_have_a_line_for_validation_and_a_legend():
    rows = [{"epoch": e + 1.0, "loss": 1.0, "accuracy": 0.5, **({"val_loss": 2.0} if e % 2 else {})} for e in range(6)]
    texts = [t.get_text() for t in draw.curves_figure({"": rows}, "loss").axes[0].get_legend().get_texts()]
    assert texts == ["training", "inner validation"]
    texts = [t.get_text() for t in draw.curves_figure({"a": rows, "b": rows}, "accuracy").axes[0].get_legend().texts]
    assert texts == ["training (mean of 2 folds)"]


def layer(name: str, reads: tuple[int, ...]) -> dict:
    return {"name": name, "kind": "Conv2d", "shape": [3, 4], "parameters": 5, "calls": 1, "reads": reads}


def test_boxes_gather_deep_layers_and_never_close_a_circle():
    rows = [layer(f"stage{n // 9}.{n}.conv", (n - 1,) if n else ()) for n in range(27)]
    parts = draw.boxes(rows)
    assert [part.name for part in parts] == ["stage0", "stage1", "stage2"] and parts[0].parameters == 45
    assert [sorted(part.reads) for part in parts] == [[], [0], [1]]
    circle = draw.boxes([layer("a", (1,)), layer("b", (0,))])
    assert sum(len(part.reads) for part in circle) == 1


def test_the_same_figure_gives_the_same_bytes():
    network = {"input": [3, 8, 8], "layers": [layer("a", ()), layer("b", ())]}
    for form in ("png", "svg"):
        first, second = (draw.encode(draw.network_figure(network), form) for _ in range(2))
        assert first == second and len(first) > 1000


def test_frames_are_written_in_order_whoever_makes_them(tmp_path):
    paths = [tmp_path / f"new/{i}.png" for i in range(9)]
    write_images(lambda i: np.full((4, 6), 20 * i, np.uint8), paths)
    assert [int(read_image(path)[0, 0, 0]) for path in paths] == [20 * i for i in range(9)]
    write_images(lambda i: np.zeros((0, 0), np.uint8), [])

    def broken(i: int) -> np.ndarray:
        raise ValueError(f"frame {i}")

    with pytest.raises(ValueError, match="frame 0"):
        write_images(broken, paths)
