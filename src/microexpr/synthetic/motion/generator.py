"""Draw many onset-to-apex flow fields with the action units that they show."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import numpy as np

from .expressions import Expressions
from .faults import Faults, Grid, face_mask
from .fields import NUMBERS, TERMS, Terms
from .geometry import ANCHOR_INDEX, FaceFrame, anchor_points
from .smooth import averaged, gaussian_sum, strain_of
from .tables import ANCHORS, MESH_ANCHORS

CHUNK = 128
"""Fields that are drawn at a time, so that they stay in the processor's cache."""


_EYES = [ANCHOR_INDEX["eye", "R"], ANCHOR_INDEX["eye", "L"]]


@dataclass(frozen=True, eq=False)
class DrawnMotion:
    """Flow fields and their truth. Pixels are those of a face 224 pixels wide.

    Attributes:
        flow: (n, height, width, 2) float32 motion in x and y, in pixels.
        strain: (n, height, width) float32 optical strain, without a unit.
        labels: (n,) int64 class: a position in `CLASSES`, `NOTHING` for a face without an expression, or `ANY` for
            action units that have no class.
        strengths: (n, 17, 2) float32 strength of each action unit on the person's right and left side, 0 to 1.5.
        pixels: (n, 17, 2) float32 largest movement of each action unit alone, in pixels.
    """

    flow: np.ndarray
    strain: np.ndarray
    labels: np.ndarray
    strengths: np.ndarray
    pixels: np.ndarray

    def __len__(self) -> int:
        return len(self.labels)


@dataclass(frozen=True)
class People:
    """How faces and their movements differ from person to person; 0 turns a part off.

    Attributes:
        shape: shift of each anchor, in eye distances.
        place: shift of the whole face, in eye distances.
        scale: of the face: standard deviation of its logarithm, across and along alike.
        stretch: along the face against across it: standard deviation of its logarithm.
        turn: of the face in the image, in radians.
        term_gain: of a term of an action unit: standard deviation of its logarithm.
        term_size: size of the Gaussian of a term: standard deviation of its logarithm.
        term_turn: direction of a term, in radians.
    """

    shape: float = 0.03
    place: float = 0.07
    scale: float = 0.07
    stretch: float = 0.05
    turn: float = 0.05
    term_gain: float = 0.3
    term_size: float = 0.22
    term_turn: float = 0.2

    def anchors(self, frame: FaceFrame, n: int, rng: np.random.Generator) -> np.ndarray:
        """(n, A, 2) anchors of n persons in coordinates of the mean face."""
        anchors = anchor_points(frame.face)
        moved = anchors + rng.normal(0, self.shape, (n, *anchors.shape)) - (0, 0.6)  # scaled about the nose
        scale = rng.normal(0, self.scale, (n, 1)) + rng.normal(0, self.stretch, (n, 1)) * (-0.5, 0.5)
        angle = rng.normal(0, self.turn, n)
        cos, sin = np.cos(angle), np.sin(angle)
        turn = np.stack([np.stack([cos, sin], -1), np.stack([-sin, cos], -1)], 1)
        shift = rng.normal(0, self.place, (n, 1, 2))
        return np.asarray((moved * np.exp(scale)[:, None]) @ turn + (0, 0.6) + shift)


@dataclass(frozen=True)
class MotionGenerator:
    """Draws flow fields from action units; equal seeds give equal fields.

    Every setting of its parts can be changed alone, which is how the ablation of the documentation was made.

    Attributes:
        expressions: which action units are shown.
        people: how faces differ.
        faults: what estimator, head and camera do to the motion.
        gaze: probability that the eyes move.
        pixels: median of the largest movement of a field, in pixels of a face 224 pixels wide.
        pixels_spread: standard deviation of its logarithm.
        anchors: `mesh` for all anchors, `landmarks` without those of the face mesh.
        oversampling: fields are drawn so many times as large, strain is taken there, and both are averaged.
    """

    expressions: Expressions = field(default_factory=Expressions)
    people: People = field(default_factory=People)
    faults: Faults = field(default_factory=Faults)
    gaze: float = 0.2
    pixels: float = 1.2
    pixels_spread: float = 0.6
    anchors: Literal["mesh", "landmarks"] = "mesh"
    oversampling: int = 2

    def draw(self, n: int, frame: FaceFrame, seed: int | list[int] = 0) -> DrawnMotion:
        """Draw n fields of faces that lie in an image as `frame` says.

        Args:
            n: number of fields.
            frame: see `FaceFrame.megc2019`, `FaceFrame.aligned` and `FaceFrame.of_landmarks`.
            seed: of all random numbers.
        """
        height, width = frame.size
        count = len(NUMBERS)
        drawn = DrawnMotion(
            np.empty((n, height, width, 2), np.float32),
            np.empty((n, height, width), np.float32),
            np.empty(n, np.int64),
            np.empty((n, count, 2), np.float32),
            np.empty((n, count, 2), np.float32),
        )
        rng = np.random.default_rng(seed)
        grid = self._grid(frame)
        for first in range(0, n, CHUNK):
            self._draw_chunk(drawn, slice(first, min(first + CHUNK, n)), frame, grid, rng)
        return drawn

    def _grid(self, frame: FaceFrame) -> Grid:
        zoom = self.oversampling
        x, y = (((np.arange(side * zoom) + 0.5) / zoom - 0.5) for side in (frame.size[1], frame.size[0]))
        return Grid((x - frame.origin[0]) / frame.unit[0], (y - frame.origin[1]) / frame.unit[1])

    def _draw_chunk(
        self, drawn: DrawnMotion, part: slice, frame: FaceFrame, grid: Grid, rng: np.random.Generator
    ) -> None:
        """Draw one part of the fields."""
        n = part.stop - part.start
        labels, strengths = self.expressions.draw(n, rng)
        flow = self._skin(strengths, self.people.anchors(frame, n, rng), grid, rng)
        flow *= face_mask(grid)
        peak = np.hypot(flow[:, 0], flow[:, 1]).reshape(n, -1).max(axis=1)
        size = self.pixels * np.exp(rng.normal(0, self.pixels_spread, n))
        factor = (size / np.maximum(peak, 0.3)).astype(np.float32)  # a field of companions alone stays small
        flow *= factor[:, None, None, None]
        flow = self.faults.apply(flow, size, grid, rng)
        pixel = tuple(frame.pixel / self.oversampling)
        drawn.flow[part] = np.moveaxis(averaged(flow, self.oversampling), 1, -1)
        drawn.strain[part] = averaged(strain_of(flow, (pixel[0], pixel[1])), self.oversampling)
        drawn.labels[part] = labels
        drawn.strengths[part] = strengths
        drawn.pixels[part] = strengths * factor[:, None, None]

    @cached_property
    def _terms(self) -> Terms:
        return TERMS if self.anchors == "mesh" else Terms.of_anchors(set(ANCHORS) - set(MESH_ANCHORS))

    def _skin(self, strengths: np.ndarray, anchors: np.ndarray, grid: Grid, rng: np.random.Generator) -> np.ndarray:
        """(n, 2, height, width) motion of the skin; the strongest action unit has about its strength."""
        n, people, terms = len(strengths), self.people, self._terms
        size = np.tensordot(strengths, terms.weight, 2)
        most = int((size > 0).sum(axis=1).max(initial=1))
        chosen = np.argsort(size == 0, axis=1, kind="stable")[:, :most]  # the terms that move, and some that do not
        size = np.take_along_axis(size, chosen, 1) * np.exp(rng.normal(0, people.term_gain, (n, most)))
        angle = rng.normal(0, people.term_turn, (n, most))
        x, y = np.moveaxis(terms.move[chosen] * size[..., None], -1, 0)
        moves = np.stack([x * np.cos(angle) - y * np.sin(angle), x * np.sin(angle) + y * np.cos(angle)], axis=-1)
        centers = np.take_along_axis(anchors, terms.anchor[chosen][..., None], 1)
        sigma = terms.sigma[chosen] * np.exp(rng.normal(0, people.term_size, (n, most, 2)))
        flow = gaussian_sum(centers, sigma, moves, grid.x, grid.y)
        looking = np.flatnonzero(rng.random(n) < self.gaze)
        if len(looking):
            flow[looking] += self._eyes(anchors[looking], grid, rng)
        return flow

    @staticmethod
    def _eyes(anchors: np.ndarray, grid: Grid, rng: np.random.Generator) -> np.ndarray:
        """(n, 2, height, width) motion of eyes that look elsewhere: both alike."""
        centers = anchors[:, _EYES]
        moves = np.repeat(rng.normal(0, 0.35, (len(anchors), 1, 2)) * (1, 0.5), 2, axis=1)
        return gaussian_sum(centers, np.full(centers.shape, (0.14, 0.07)), moves, grid.x, grid.y)
