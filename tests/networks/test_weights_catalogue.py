"""Named weights: found, fetched, checked; no network is asked."""

import dataclasses
import sys
from pathlib import Path

import huggingface_hub
import pytest
import torch
from safetensors.torch import load_file, save_file

from microexpr.cli.main import main
from microexpr.core.errors import DataError, MissingDataError, UnknownNameError
from microexpr.core.files import file_digest
from microexpr.core.tensor_files import read_metadata
from microexpr.networks import NETWORKS
from microexpr.networks import pretrained as catalog
from microexpr.networks.weights import load_weights
from microexpr.recognizers import RECOGNIZERS
from microexpr.recognizers.checks import CLASSES, synthetic_samples
from tests.networks.test_caffe import random_blobs, write


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("MICROEXPR_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


def module(name: str = "resnet10t") -> torch.nn.Module:
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return NETWORKS.build({"name": name}).build((3, 64, 64), 1000)


def made(path: Path, **change: torch.Tensor) -> Path:
    """A file as timm would publish it, with random weights."""
    path.parent.mkdir(exist_ok=True)
    save_file({**module().state_dict(), **change}, path)
    return path


def trust(monkeypatch, name: str, sha256: str) -> None:
    """As if a file of that checksum had been published."""
    changed = dataclasses.replace(catalog.entry(name), sha256=sha256)
    entries = {**catalog._entries(), name: changed}
    monkeypatch.setattr(catalog, "_entries", lambda: entries)


def call(capsys, *arguments: str) -> tuple[int, str, str]:
    code = 0
    try:
        main(list(arguments))
    except SystemExit as stop:
        code = int(stop.code or 0)
    out, err = capsys.readouterr()
    return code, " ".join(out.split()), " ".join(err.split())


@pytest.mark.parametrize("name", catalog.names())
def test_every_entry_is_complete(name):
    entry = catalog.entry(name)
    assert (
        entry.network in NETWORKS.names()
        and len(entry.sha256) == (0 if name in ("resnet50-keras", "vgg-face") else 64)  # none is published
        and set(entry.sha256) <= set("0123456789abcdef")
    )
    assert entry.license and entry.citation and entry.page.startswith("https://") and entry.name == name
    converted = {each for names in catalog.CONVERTED.values() for each in names}
    assert (entry.channels, entry.divide) == (("bgr", 1.0) if name in converted else ("rgb", 255.0))


def test_the_published_checksum_of_resnet10():
    sha256 = catalog.entry("resnet10-imagenet").sha256
    assert sha256.startswith("7291cda3") and sha256.endswith("158b359e7")


def test_fetch_from_the_hub(tmp_path, monkeypatch, folder):
    file, asked = made(tmp_path / "model.safetensors"), []
    trust(monkeypatch, "resnet10t", file_digest(file))
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", lambda **what: asked.append(what) or str(file))
    assert catalog.fetch("resnet10t") == folder / "resnet10t.safetensors" == catalog.find("resnet10t")
    assert asked == [{"repo_id": "timm/resnet10t.c3_in1k", "filename": "model.safetensors"}]
    state, known = catalog.open_weights("resnet10t")
    assert known is not None and known.mean == (0.485, 0.456, 0.406)
    load_weights(module(), state, "the file")
    about = read_metadata(folder / "resnet10t.safetensors")
    assert about["license"] == "apache-2.0" and about["file_sha256"] == known.sha256
    assert catalog.verify("resnet10t").issues == () and catalog.verify("resnet10t").checksum == "as published"


def test_fetch_refuses_files_that_are_not_the_published_ones(tmp_path, monkeypatch, folder):
    file = made(tmp_path / "model.safetensors")
    with pytest.raises(DataError, match=r"not the published model.safetensors of 'resnet10t': its sha256 is"):
        catalog.fetch("resnet10t", file)
    trust(monkeypatch, "resnet10t", "")
    for change, said in (
        ({"fc.bias": torch.zeros(5)}, r"'fc.bias' is \(5,\)"),
        ({"x": torch.zeros(1)}, "only the weights have 'x'"),
        ({"fc.bias": torch.full((1000,), torch.nan)}, "not finite"),
    ):
        with pytest.raises(DataError, match=said):
            catalog.fetch("resnet10t", made(file, **change))
    assert not folder.exists()


def no_network(**_: str) -> str:
    raise OSError("name or service not known\nsecond line")


def test_fetch_without_network_or_package_is_an_error(tmp_path, monkeypatch):
    monkeypatch.setattr(huggingface_hub, "hf_hub_download", no_network)
    with pytest.raises(
        MissingDataError, match=r"not known\); run .* or download model.safetensors .*--from FILE"
    ) as said:
        catalog.fetch("resnet18")
    assert "\n" not in str(said.value)
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)
    with pytest.raises(MissingDataError, match=r"pip install 'microexpr\[hub\]'"):
        catalog.fetch("resnet18")
    with pytest.raises(MissingDataError, match=r"by hand: download resnet10_cvgj_iter_320000.caffemodel from https"):
        catalog.fetch("resnet10-imagenet")
    with pytest.raises(MissingDataError, match="is not a file"):
        catalog.fetch("resnet18", tmp_path / "nowhere")


def test_missing_weights_are_errors_that_say_how_to_get_them():
    with pytest.raises(MissingDataError, match="run `microexpr weights fetch resnet50` where there is a network"):
        catalog.open_weights("resnet50")
    with pytest.raises(MissingDataError, match=r"neither a file nor a name in .*did you mean 'resnet18'"):
        catalog.open_weights("resnet81")
    with pytest.raises(UnknownNameError, match="did you mean 'resnet10t'"):
        catalog.fetch("resnet10")
    with pytest.raises(UnknownNameError):
        catalog.verify("mine")
    assert catalog.find("resnet50") is None and catalog.user_weights() == []


def test_verify_a_file_copied_by_hand(monkeypatch, folder):
    file = made(folder / "resnet10t.safetensors")
    assert any("published is 6d2e44afde3d" in issue for issue in catalog.verify("resnet10t").issues)
    trust(monkeypatch, "resnet10t", file_digest(file))
    assert catalog.verify("resnet10t") == catalog.WeightsCheck("resnet10t", file, "as published")
    trust(monkeypatch, "resnet10t", "")
    assert catalog.verify("resnet10t").checksum == "no published checksum"
    file.write_bytes(file.read_bytes()[:1000])
    assert "is not a safetensors file" in catalog.verify("resnet10t").issues[0]


def test_verify_finds_weights_changed_after_they_were_fetched(tmp_path, monkeypatch, folder):
    file = made(tmp_path / "model.safetensors")
    trust(monkeypatch, "resnet10t", file_digest(file))
    path = catalog.fetch("resnet10t", file)
    state = load_file(path)
    state["fc.bias"][0] += 1
    save_file(state, path, read_metadata(path))
    assert "changed after they were fetched" in catalog.verify("resnet10t").issues[0]


def test_convert_and_fetch_of_caffe_weights(tmp_path, monkeypatch, folder, capsys):
    file = write(tmp_path / "resnet10_cvgj_iter_320000.caffemodel", random_blobs())
    code, _, err = call(capsys, "weights", "convert", str(file))
    assert code == 1 and "not the published" in err  # another file must not get the published name
    assert call(capsys, "weights", "convert", str(file), "--out", str(tmp_path / "my.safetensors"))[0] == 0
    load_weights(module("resnet10"), catalog.open_weights(tmp_path / "my.safetensors")[0], "the file")
    assert "fc.bias" in catalog.open_weights(file)[0]
    trust(monkeypatch, "resnet10-imagenet", file_digest(file))
    code, _, err = call(capsys, "weights", "fetch", "resnet10-imagenet", "--from", str(file))
    assert code == 0 and str(folder / "resnet10-imagenet.safetensors") in err
    code, out, _ = call(capsys, "weights", "verify")
    assert code == 0 and out == "resnet10-imagenet: intact; as published"


def test_weights_of_the_user_are_found_by_name(folder, capsys):
    samples, labels = synthetic_samples(8)
    recognizer = RECOGNIZERS.build({"name": "network", "epochs": 1}, classes=CLASSES).fit(samples, labels)
    recognizer.save(folder / "macro.safetensors", {"recipe": "my-macro", "license": "research only"})
    state, known = catalog.open_weights("macro")
    assert known is None and set(state) == set(recognizer.module_.state_dict())  # type: ignore[attr-defined]
    code, out, err = call(capsys, "weights", "list")
    assert code == 0 and "macro" in out and "own" in out and str(folder) in err
    assert call(capsys, "weights", "verify", "macro")[:2] == (0, "macro: intact; no published checksum")
    (folder / "bad.safetensors").write_text("no")
    assert call(capsys, "weights", "list")[0] == 0
    code, out, _ = call(capsys, "weights", "verify")
    assert code == 1 and "bad: 1 issue;" in out


def test_errors_of_verify_and_export_are_one_line(capsys, tmp_path):
    assert call(capsys, "weights", "verify")[0] == 0
    code, _, err = call(capsys, "weights", "verify", "resnet50")
    assert code == 1 and "microexpr: weights 'resnet50' are not in" in err
    code, _, err = call(capsys, "export", str(tmp_path), "x.onnx")
    assert code == 1 and "has no model" in err
    with pytest.raises(SystemExit):
        main(["weights", "--help"])
    assert "convert" in capsys.readouterr().out
