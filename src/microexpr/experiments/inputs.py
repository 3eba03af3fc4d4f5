"""Fingerprints of what the results of a run depend on besides its recipe, its data sets and its seed."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from importlib.metadata import entry_points

from ..core.errors import MicroexprError
from ..core.registry import ENTRY_POINTS, loaded_plugins
from ..faces.tracking.track import VERSION
from ..networks.pretrained import open_weights
from ..networks.weights import state_digest
from ..preprocessing import Chain
from .data import StageData
from .options import RunOptions


def common_inputs() -> dict[str, str]:
    """Of every run: the plug-ins that are loaded, by their content."""
    files = sorted(hashlib.sha256(path.read_bytes()).hexdigest() for path in loaded_plugins if path.is_file())
    installed = sorted(f"{p.value} {p.dist.version if p.dist else ''}" for p in entry_points(group=ENTRY_POINTS))
    return {"plug-ins": _digest([files, installed]) if files or installed else "none"}


def recognition_inputs(stage_data: Sequence[StageData], options: RunOptions) -> dict[str, str]:
    """Of a run of recognition: the class of every clip of every stage, the steps' versions, and named weights."""
    weights = {data.stage.weights: _weights_digest(data.stage.weights) for data in stage_data if data.stage.weights}
    return {
        **common_inputs(),
        "labels": _digest([[[e.clip.id, e.label] for e in data.examples] for data in stage_data]),
        "preprocessing": _digest([Chain.build(data.stage.chain).key for data in stage_data]),
        "weights": "synthetic" if options.synthetic and weights else _digest(weights) if weights else "none",
    }


def spotting_inputs() -> dict[str, str]:
    """Of a run of spotting: the version of the face tracker."""
    return {**common_inputs(), "face tracking": str(VERSION)}


def _weights_digest(name: str) -> str:
    """Fingerprint of named weights; "" where they are not on this machine (a finished run can still be opened)."""
    try:
        return state_digest({key: tensor.numpy() for key, tensor in open_weights(name)[0].items()})
    except MicroexprError:
        return ""


def _digest(value: object) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True).encode()).hexdigest()[:16]
