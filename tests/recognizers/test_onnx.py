"""An exported network answers in ONNX Runtime as it does in torch."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from microexpr.cli.main import main
from microexpr.core.errors import (
    DataError,
    MicroexprError,
    MissingDataError,
    MissingPluginError,
    NotFittedError,
    RecipeError,
    UsageError,
)
from microexpr.core.registry import load_plugin, loaded_plugins
from microexpr.networks import NETWORKS
from microexpr.recognizers import RECOGNIZERS, Recognizer
from microexpr.recognizers.checks import CLASSES, synthetic_samples
from microexpr.recognizers.model import load_model
from microexpr.recognizers.network import Network
from microexpr.recognizers.onnx_export import export, to_onnx
from microexpr.recognizers.onnx_model import OnnxModel


def learned(network: str = "ststnet", size: int = 28, epochs: int = 2) -> tuple[Network, list]:
    samples, labels = synthetic_samples(8, (size, size, 3))
    settings = {"name": "network", "network": {"name": network}, "epochs": epochs, "batch_size": 8}
    recognizer = RECOGNIZERS.build(settings, classes=CLASSES, seed=1).fit(samples, labels)
    return recognizer, samples


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """STSTNet, exported once."""
    return to_onnx(learned(epochs=1)[0], tmp_path_factory.mktemp("whole") / "m.onnx", {"license": "research only"})


@pytest.mark.parametrize(("network", "size"), [("ststnet", 28), ("resnet10", 64), ("resnet10t", 64)])
def test_probabilities_are_those_of_torch(tmp_path, network, size):
    recognizer, samples = learned(network, size)
    model = OnnxModel(to_onnx(recognizer, tmp_path / "m.onnx", {"chain": "[]"}))
    for some in (samples[:1], samples):  # as many images at once as one likes
        assert np.abs(model.predict_proba(some) - recognizer.predict_proba(some)).max() <= 1e-5
    assert model.predict(samples) == recognizer.predict(samples)
    assert model.classes == CLASSES and model.metadata["chain"] == "[]" and model.predict_proba([]).shape == (0, 3)


def test_metadata_of_the_file(whole):
    file = onnx.load(whole)
    onnx.checker.check_model(file)
    assert file.opset_import[0].version == 18
    shape = file.graph.input[0].type.tensor_type.shape.dim
    assert (file.graph.input[0].name, file.graph.output[0].name) == ("image", "probabilities")
    assert shape[0].dim_param and [d.dim_value for d in shape[1:]] == [3, 28, 28]
    about = {entry.key: entry.value for entry in file.metadata_props}
    assert json.loads(about["classes"]) == list(CLASSES) and about["license"] == "research only"
    assert b"/src/microexpr" not in whole.read_bytes()


PLUGIN = """
from dataclasses import dataclass
from torch import nn
from microexpr.networks import NETWORKS, Architecture

@NETWORKS.register("one-layer")
@dataclass(frozen=True)
class OneLayer(Architecture):
    def build(self, shape, classes):
        return nn.Sequential(nn.Flatten(), nn.Linear(shape[0] * shape[1] * shape[2], classes))
"""


def test_a_network_of_a_plugin_is_exported_where_the_plugin_is_given(tmp_path, unregistered):
    plugin = tmp_path / "one_layer.py"
    plugin.write_text(PLUGIN)
    load_plugin(plugin)
    recognizer, samples = learned("one-layer", 8)
    recognizer.save(tmp_path / "m.safetensors", {"chain": "[]"})
    unregistered("one-layer", plugin)
    for forgotten in (Recognizer.load, load_model, lambda path: export(path, tmp_path / "m.onnx")):
        with pytest.raises(MissingPluginError, match=r"needs the network 'one-layer'.*--plugin FILE.py"):
            forgotten(tmp_path / "m.safetensors")
    with pytest.raises(SystemExit, match="0"):
        main(["export", str(tmp_path / "m.safetensors"), str(tmp_path / "m.onnx"), "--plugin", str(plugin)])
    assert OnnxModel(tmp_path / "m.onnx").predict(samples) == recognizer.predict(samples)


@pytest.fixture
def unregistered():
    """Forget a network and the plug-in that registered it, as a new process has not heard of them."""

    def forget(name: str, plugin: Path) -> None:
        NETWORKS._entries.pop(name, None)
        if plugin in loaded_plugins:
            loaded_plugins.remove(plugin)

    names: list[tuple[str, Path]] = []
    yield lambda name, plugin: (names.append((name, plugin)), forget(name, plugin))
    for name, plugin in names:
        forget(name, plugin)


def test_prediction_does_not_import_torch(whole):
    code = f"import sys; from microexpr.recognizers.onnx_model import OnnxModel; OnnxModel({str(whole)!r})"
    done = subprocess.run([sys.executable, "-c", f"{code}; print('torch' in sys.modules)"], capture_output=True)
    assert done.stdout.decode().strip() == "False", done.stderr


def test_the_model_of_a_run_is_exported(tmp_path):
    recognizer, samples = learned(epochs=1)
    with pytest.raises(MissingDataError, match="neither a saved recognizer nor a run"):
        export(tmp_path / "nowhere", tmp_path / "m.onnx")
    with pytest.raises(MissingDataError, match="has no model"):
        export(tmp_path, tmp_path / "m.onnx")
    recognizer.save(tmp_path / "models" / "a.safetensors", {"protocol": "x"})
    model = OnnxModel(export(tmp_path, tmp_path / "m.onnx"))
    assert np.allclose(model.predict_proba(samples), recognizer.predict_proba(samples), atol=1e-5)
    assert model.metadata["protocol"] == "x"
    recognizer.save(tmp_path / "models" / "b.safetensors")
    with pytest.raises(UsageError, match=r"has 2 models, one per fold; name one: .*a.safetensors"):
        export(tmp_path, tmp_path / "m.onnx")


def test_models_that_cannot_be_exported_are_errors(tmp_path, monkeypatch):
    samples, labels = synthetic_samples(6)
    RECOGNIZERS.build({"name": "majority"}, classes=CLASSES).fit(samples, labels).save(tmp_path / "m.safetensors")
    with pytest.raises(UsageError, match="'majority'; only networks"):
        export(tmp_path / "m.safetensors", tmp_path / "m.onnx")
    with pytest.raises(NotFittedError, match="call fit or load"):
        to_onnx(RECOGNIZERS.build({"name": "network"}, classes=CLASSES), tmp_path / "m.onnx")
    recognizer = learned(epochs=1)[0]
    monkeypatch.setattr(OnnxModel, "predict_arrays", lambda self, images: np.full((3, 3), np.nan))
    with pytest.raises(DataError, match="differ from torch"):
        to_onnx(recognizer, tmp_path / "m.onnx")
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(UsageError, match=r"pip install 'microexpr\[onnx\]'"):
        to_onnx(recognizer, tmp_path / "m.onnx")
    assert not (tmp_path / "m.onnx").exists()


def test_images_of_another_size_are_refused(whole):
    with pytest.raises(RecipeError, match=r"images are \(3, 30, 30\), those of the training were \(3, 28, 28\)"):
        OnnxModel(whole).predict_proba(synthetic_samples(2, (30, 30, 3))[0])


@pytest.mark.parametrize(
    ("kind", "said"),
    [
        ("foreign", "not written by"),
        ("two words", "not a list of one label per output"),
        ("no list", "not a list of one label per output"),
        ("cut", "damaged or not an ONNX file"),
        ("text", "damaged or not an ONNX file"),
        ("nothing", "is not a file"),
    ],
)
def test_files_that_are_not_models_are_refused(tmp_path, whole, kind, said):
    path, file = tmp_path / "m.onnx", onnx.load(whole)
    del file.metadata_props[:]
    if words := {"two words": '["a", "b"]', "no list": "no"}.get(kind):
        file.metadata_props.add(key="classes", value=words)
    path.write_bytes({"cut": whole.read_bytes()[:2000], "text": b"not found"}.get(kind, file.SerializeToString()))
    if kind == "nothing":
        path.unlink()
    with pytest.raises(DataError, match=said) as caught:
        OnnxModel(path)
    assert "\n" not in str(caught.value)


def test_a_safetensors_file_of_another_program_is_refused(tmp_path):
    from safetensors.numpy import save_file

    about = {"recognizer": "network", "settings": json.dumps({"classes": ["a", "b"]})}
    save_file({"x": np.zeros(2)}, tmp_path / "m.safetensors", about)
    with pytest.raises(MicroexprError, match="is not a saved recognizer"):
        Recognizer.load(tmp_path / "m.safetensors")
