"""Published weights by name: their source and input format, and how to fetch and check them.

Weights are stored as `<name>.safetensors` in `config.weights_folder()`. Any other `<name>.safetensors` there, for
example of a training of your own, is found by its name, too.
"""

from __future__ import annotations

import functools
import hashlib
import json
import logging
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor

from ..core.config import weights_folder
from ..core.errors import DataError, MissingDataError, UnknownNameError, UsageError, did_you_mean
from ..core.files import file_digest
from ..core.registry import validate_settings
from ..core.tensor_files import read_metadata
from .base import NETWORKS
from .caffe import read_resnet10
from .keras import is_vgg_face, read_resnet50, read_vgg_face
from .weights import check_weights, read_weights, write_weights

CONVERTED = {".caffemodel": ("resnet10-imagenet",), ".h5": ("resnet50-keras", "vgg-face")}
"""End of a file of another framework -> names of the published weights that end so."""

HUB = "https://huggingface.co/"


@dataclass(frozen=True)
class PretrainedWeights:
    """Published weights.

    Attributes:
        name: name in recipes and on the command line.
        network: name in `NETWORKS`.
        classes: number of logits.
        source: address of the file, or `owner/repository` on the Hugging Face hub.
        page: address of the page that describes them.
        file: name of the published file.
        license: license, as the publisher names it.
        citation: the paper, as the publisher cites it.
        sha256: SHA-256 of the published file; empty where none was published.
        channels: order of the input's color channels.
        divide: the input is `(pixel / divide - mean) / std`, with pixels from 0 to 255.
        mean: see `divide`; a value for each channel.
        std: see `divide`; a value for each channel.
        size: height and width of the images they were trained on, in pixels.
    """

    name: str
    network: str
    classes: int
    source: str
    page: str
    file: str
    license: str
    citation: str
    sha256: str
    channels: Literal["rgb", "bgr"]
    divide: float
    mean: tuple[float, float, float]
    std: tuple[float, float, float]
    size: int

    @property
    def on_hub(self) -> bool:
        """Whether `fetch` can download the file."""
        return self.page.startswith(HUB)

    @property
    def instructions(self) -> str:
        """How to get the file, for the end of an error message."""
        by_hand = f"download {self.file} from {self.page} and run `microexpr weights fetch {self.name} --from FILE`"
        return (
            f"run `microexpr weights fetch {self.name}` where there is a network, or {by_hand}"
            if self.on_hub
            else by_hand
        )


@dataclass(frozen=True)
class WeightsCheck:
    """Result of `verify`.

    Attributes:
        name: name of the weights.
        path: their file.
        checksum: `as published`, `no published checksum`, or `not as published`.
        issues: what is wrong, a line each; empty where nothing is.
    """

    name: str
    path: Path
    checksum: str
    issues: tuple[str, ...] = ()


def names() -> list[str]:
    """Names of all published weights, whether or not they are on this machine."""
    return sorted(_entries())


def user_weights() -> list[str]:
    """Names of the other weights in the weights folder: those of the user."""
    return sorted({path.stem for path in weights_folder().glob("*.safetensors")} - set(_entries()))


def entry(name: str) -> PretrainedWeights:
    """Return the published weights of that name.

    Raises:
        UnknownNameError: there are none; the message names the nearest.
    """
    if name not in _entries():
        raise UnknownNameError("published weights", name, _entries())
    return _entries()[name]


def published_for(network: str) -> PretrainedWeights | None:
    """The published weights of a network by its name in `NETWORKS`; None where there are none."""
    return next((weights for weights in _entries().values() if weights.network == network), None)


def find(name: str) -> Path | None:
    """The file of named weights on this machine, published or the user's; None where there is none."""
    path = weights_folder() / f"{name}.safetensors"
    return path if path.is_file() else None


def open_weights(name_or_path: str | Path) -> tuple[dict[str, Tensor], PretrainedWeights | None]:
    """Read a state dict, and find its description if it is published.

    Args:
        name_or_path: a name of `names()` or `user_weights()`, or a `.safetensors`, `.pth`, (ResNet10's)
            `.caffemodel` or (ResNet50's or VGG-Face's) `.h5` file.

    Returns:
        The state dict, and the entry of published weights; None for any others.

    Raises:
        MissingDataError: the weights are not on this machine; the message says how to get them.
        DataError: the file is damaged, or holds more than tensors.
    """
    text = str(name_or_path)
    path, known = find(text), _entries().get(text)
    if path is None and known is not None:
        raise MissingDataError(f"weights '{text}' are not in '{weights_folder()}'; {known.instructions}")
    if path is None:
        path = Path(name_or_path).expanduser()
    if not path.is_file():
        near = did_you_mean(text, [*names(), *user_weights()])
        raise MissingDataError(f"weights '{text}' are neither a file nor a name in '{weights_folder()}'{near}")
    state = {key: tensor for key, tensor in _read(path).items() if not key.startswith("_")}
    return state, known


def fetch(name: str, file: Path | None = None) -> Path:
    """Download published weights, check them, and store them in the weights folder.

    Args:
        name: one of `names()`.
        file: the published file, if it was downloaded by hand; None downloads it from the Hugging Face hub.

    Returns:
        The file that was written.

    Raises:
        UnknownNameError: there are no such weights.
        MissingDataError: there is no such file, no network, or the package `huggingface_hub` is not installed.
        DataError: the file is not the published one, or does not fit the network.
    """
    weights = entry(name)
    source = _download(weights) if file is None else file
    if not source.is_file():
        raise MissingDataError(f"'{source}' is not a file; {weights.instructions}")
    digest = file_digest(source)
    if weights.sha256 and digest != weights.sha256:
        found = f"its sha256 is {digest[:12]}..., published is {weights.sha256[:12]}..."
        raise DataError(
            f"'{source}' is not the published {weights.file} of '{name}': {found}; it may be cut off: download it again"
        )
    state = _read(source)
    _check_fit(weights, state, source)
    target = weights_folder() / f"{name}.safetensors"
    write_weights(target, state, _metadata(weights, state, digest))
    return target


def convert(file: Path, out: Path | None = None) -> Path:
    """Convert ResNet10's Caffe weights, or Keras's weights of ResNet50 or VGG-Face, to safetensors.

    Args:
        file: `resnet10_cvgj_iter_320000.caffemodel`, `resnet50_weights_tf_dim_ordering_tf_kernels.h5`,
            `rcmalli_vggface_tf_vgg16.h5`, or another file with the same layers.
        out: the file to write. If None, `file` must be the published file, and becomes `resnet10-imagenet`,
            `resnet50-keras` or `vgg-face`.

    Returns:
        The file that was written.

    Raises:
        MissingDataError: there is no such file, or the package that reads it is not installed.
        DataError: as `caffe.read_resnet10`, `keras.read_resnet50` and `keras.read_vgg_face`; or `file` is not the
            published file and `out` is None.
        UsageError: the name of the file has another end.
    """
    if file.suffix not in CONVERTED:
        raise UsageError(f"'{file}': give a file that ends in {' or '.join(CONVERTED)}")
    *others, name = CONVERTED[file.suffix]
    if others and not is_vgg_face(file):
        name = others[0]
    if out is None:
        return fetch(name, file)
    state = _read(file)
    write_weights(out, state, _metadata(entry(name), state, file_digest(file)))
    return out


def verify(name: str) -> WeightsCheck:
    """Compare weights on this machine with the published checksum, and with their network.

    Raises:
        MissingDataError: they are not on this machine.
        UnknownNameError: neither published nor in the weights folder.
    """
    path = find(name)
    known = _entries().get(name)
    if path is None:
        if known is None:
            raise UnknownNameError("weights", name, [*names(), *user_weights()])
        raise MissingDataError(f"weights '{name}' are not in '{weights_folder()}'; {known.instructions}")
    checksum, issues = "no published checksum", []
    try:
        metadata, state = read_metadata(path), read_weights(path)
        issues += [f"'{key}' holds values that are not finite" for key in _not_finite(state)]
        if metadata.get("tensors_sha256", "") not in ("", tensors_digest(state)):
            issues.append("the weights were changed after they were fetched; fetch them again")
        if known is not None:
            _check_fit(known, state, path)
        if known is not None and known.sha256:
            found = metadata.get("file_sha256") or file_digest(path)
            checksum = "as published" if found == known.sha256 else "not as published"
            if found != known.sha256:
                issues.append(f"sha256 of the file is {found[:12]}..., published is {known.sha256[:12]}...")
    except DataError as error:
        issues.append(str(error))
    if issues and known and known.sha256:
        checksum = "not as published"
    return WeightsCheck(name, path, checksum, tuple(issues))


def tensors_digest(state: Mapping[str, Tensor]) -> str:
    """SHA-256 of tensors: their names, types, shapes and values, in the order of the names."""
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].contiguous()
        digest.update(json.dumps([name, str(tensor.dtype), list(tensor.shape)]).encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()


@functools.cache
def _entries() -> dict[str, PretrainedWeights]:
    text = (resources.files("microexpr.networks") / "pretrained.toml").read_text("utf-8")
    return {
        name: validate_settings(PretrainedWeights, table, f"weights '{name}'", name=name)
        for name, table in tomllib.loads(text).items()
    }


def _download(weights: PretrainedWeights) -> Path:
    """The published file in the Hugging Face cache."""
    if not weights.on_hub:
        raise MissingDataError(f"weights '{weights.name}' must be downloaded by hand: {weights.instructions}")
    try:
        from huggingface_hub import hf_hub_download
    except ImportError:
        need = "install it with: pip install 'microexpr[hub]'"
        raise MissingDataError(
            f"fetching needs the package 'huggingface_hub': {need}; or {weights.instructions}"
        ) from None
    logger = logging.getLogger("huggingface_hub")
    before = logger.level
    logger.setLevel(logging.ERROR)  # it would log every attempt
    try:
        return Path(hf_hub_download(repo_id=weights.source, filename=weights.file))
    except Exception as error:  # no network, a proxy, a changed hub: each has an exception of its own
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:100]
        raise MissingDataError(
            f"weights '{weights.name}' cannot be fetched from {weights.page} ({reason}); {weights.instructions}"
        ) from None
    finally:
        logger.setLevel(before)


def _read(path: Path) -> dict[str, Tensor]:
    if path.suffix == ".h5":
        return read_vgg_face(path) if is_vgg_face(path) else read_resnet50(path)
    return read_resnet10(path) if path.suffix == ".caffemodel" else read_weights(path)


def _check_fit(weights: PretrainedWeights, state: Mapping[str, Tensor], source: Path) -> None:
    with torch.device("meta"):  # names and shapes only: no memory, no random numbers
        module = NETWORKS.build({"name": weights.network}).build((3, weights.size, weights.size), weights.classes)
    check_weights(module, state, f"'{source}'")
    if found := _not_finite(state):
        raise DataError(f"'{source}': '{found[0]}' holds values that are not finite")


def _not_finite(state: Mapping[str, Tensor]) -> list[str]:
    return [name for name, tensor in state.items() if not bool(torch.isfinite(tensor).all())]


def _metadata(weights: PretrainedWeights, state: Mapping[str, Tensor], digest: str) -> dict[str, Any]:
    return {**asdict(weights), "file_sha256": digest, "tensors_sha256": tensors_digest(state)}
