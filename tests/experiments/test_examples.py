"""Example clips and figures: directions, marks, fixed scales, orders of colors, reading examples again."""

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
def test_hue_of_a_flow_is_its_direction(u, v, color):
    assert np.abs(flow_image(constant(u, v), 1.0)[3, 3].astype(int) - color).max() <= 2
    legend = wheel_legend(101)
    assert np.abs(legend[50 + 50 * v, 50 + 50 * u].astype(int) - color).max() <= 6


def test_strength_of_a_color_is_the_length_of_the_flow():
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


def test_arrows_are_drawn_over_the_face():
    face = np.full((60, 60, 3), 200, np.uint8)
    assert (arrow_image(constant(0, 0), face) == 200).all()
    assert (arrow_image(constant(1, 1), face) != 200).any()


def test_colors_of_channels_do_not_depend_on_the_clip():
    quiet, loud = np.zeros((4, 4)), np.zeros((4, 4))
    quiet[0, 0] = loud[0, 0] = 0.4
    loud[3, 3] = 50
    assert tuple(channel_image(quiet, 1.0)[0, 0]) == tuple(channel_image(loud, 1.0)[0, 0])
    signed = channel_image(np.array([[-9.0, 0.0, 9.0]]), 1.0)
    assert [tuple(color) for color in signed[0]] == list(draw.SIGNED_COLORS)  # type: ignore[attr-defined]
    assert tuple(channel_image(np.zeros((1, 1)), 1.0, signed=False)[0, 0]) == (255, 255, 255)


def test_marked_frames_are_always_chosen():
    marks = {4: "onset", 25: "apex", 73: "offset"}
    numbers = select_frame_numbers(range(4, 74), marks)
    assert len(numbers) <= 9 and set(marks) <= set(numbers) and list(numbers) == sorted(numbers)
    assert select_frame_numbers([1, 2, 3], {1: "onset", 2: "apex"}) == (1, 2, 3)


def test_marked_frames_have_titles_and_borders():
    frames = np.zeros((3, 8, 8, 3), np.uint8)
    example = ExampleClip("happiness", "d/p/c", "d", (4, 9, 30), {4: "onset", 9: "apex", 30: "offset"}, strip=frames)
    figure = draw.strip_figure(example)
    assert [axes.get_title() for axes in figure.axes] == ["4\nonset", "9\napex", "30\noffset"]
    assert all(axes.spines["top"].get_visible() for axes in figure.axes)


def test_input_images_are_shown_in_rgb_and_without_scaling():
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


def written_examples(synthetic_datasets, folder, cache, steps, faces):
    clips = [clip for clip in synthetic_datasets["casme2"].clips() if clip.apex is not None][:2]
    chain = Chain.build(steps)
    samples = SampleCache(chain, [clip.blind(("onset", "apex", "offset")) for clip in clips], cache)
    write_examples(folder, [Example(clip, "a/b") for clip in clips], samples, faces, chain)
    return load_examples(folder), clips[0], samples[clips[0].id]


def test_a_descriptor_replaces_the_flow(synthetic_datasets, tmp_path):
    descriptor = {"name": "descriptor", "feature": {"name": "hoof", "grid": [2, 2]}}
    flow = next(i for i, step in enumerate(CHAIN) if step["name"] == "flow")
    [example], clip, _ = written_examples(
        synthetic_datasets, tmp_path / "run", tmp_path, [*CHAIN[: flow + 1], descriptor], True
    )
    assert example.clip == clip.id and example.flow is None and example.strip is not None


def test_a_flow_is_stored_in_pixels_with_face_and_marks(synthetic_datasets, tmp_path):
    [example], clip, shown = written_examples(synthetic_datasets, tmp_path / "run", tmp_path, CHAIN, True)
    assert (example.label, example.clip, example.dataset, example.extra_channel, example.unit) == (
        "a/b",
        clip.id,
        "casme2",
        "strain",
        PIXELS,
    )
    assert example.marks == {clip.onset: "onset", clip.apex: "apex", clip.offset: "offset"}
    assert len(example.numbers) == len(example.strip) and set(example.marks) <= set(example.numbers)
    small = shown.arrays["image"].shape == example.flow.shape
    assert not small or np.allclose(example.flow, 0.5 * shown.arrays["image"], atol=1e-6)
    assert example.face is not None and len(draw.flow_figure(example).axes) == 6


def test_real_faces_are_not_stored(synthetic_datasets, tmp_path):
    [example], _, _ = written_examples(synthetic_datasets, tmp_path / "run", tmp_path, CHAIN, False)
    assert example.strip is None and example.face is None and example.input_frames is None and example.flow is not None
    assert not list((tmp_path / "run" / "examples").glob("*apex*"))
    found, _, _ = written_examples(synthetic_datasets, tmp_path / "frames", tmp_path, [{"name": "sequence"}], False)
    assert found == []


def test_input_frames_of_sequences_are_stored(synthetic_datasets, tmp_path):
    [example], _, _ = written_examples(synthetic_datasets, tmp_path / "run", tmp_path, [{"name": "sequence"}], True)
    assert example.input_frames is not None and 2 <= len(draw.sequence_figure(example).axes) <= 9
    flows = ExampleClip("a", "d/p/c", "d", flows=np.stack([constant(1, 0)] * 4))
    assert len(draw.flows_figure(flows).axes) == 5  # and the wheel


def test_a_flow_has_no_known_unit_after_an_unknown_step(synthetic_datasets, tmp_path):
    [example], _, _ = written_examples(
        synthetic_datasets, tmp_path / "run", tmp_path, [*CHAIN[:2], {"name": "scale", "subtract": 1.0}], False
    )
    assert example.unit != PIXELS and example.limit == pytest.approx(float(np.abs(example.flow).max()))


def test_curves_have_a_line_for_validation_and_a_legend():
    rows = [{"epoch": e + 1.0, "loss": 1.0, "accuracy": 0.5, **({"val_loss": 2.0} if e % 2 else {})} for e in range(6)]
    texts = [t.get_text() for t in draw.curves_figure({"": rows}, "loss").axes[0].get_legend().get_texts()]
    assert texts == ["training", "inner validation"]
    texts = [t.get_text() for t in draw.curves_figure({"a": rows, "b": rows}, "accuracy").axes[0].get_legend().texts]
    assert texts == ["training (mean of 2 folds)"]


def layer(name: str, reads: tuple[int, ...]) -> dict:
    return {"name": name, "kind": "Conv2d", "shape": [3, 4], "parameters": 5, "calls": 1, "reads": reads}


def test_boxes_group_deep_layers_without_cycles():
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


def test_images_are_written_in_order_from_any_iterable(tmp_path):
    paths = [tmp_path / f"new/{i}.png" for i in range(9)]
    write_images(lambda i: np.full((4, 6), 20 * i, np.uint8), paths)
    assert [int(read_image(path)[0, 0, 0]) for path in paths] == [20 * i for i in range(9)]
    write_images(lambda i: np.zeros((0, 0), np.uint8), [])

    def broken(i: int) -> np.ndarray:
        raise ValueError(f"frame {i}")

    with pytest.raises(ValueError, match="frame 0"):
        write_images(broken, paths)
