"""The base class of transforms, and their registry. A subclass defines `_fit`, `_transform`, `state` and `_restore`.

The recognizer `pipeline` fits transforms on the training clips of a fold and applies them to its test clips, so that a
code book or a selection of features never sees a test person.
"""

from __future__ import annotations

import dataclasses
from abc import ABC, abstractmethod
from collections import ChainMap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, Self

import numpy as np

from ...core.clip import Sample
from ...core.errors import NotFittedError, RecipeError
from ...core.registry import Registry
from ..base import State, stack


@dataclass(frozen=True, eq=False)
class Training:
    """What a transform learns from.

    Attributes:
        samples: n samples of training clips, in the order of their ids.
        array: name of the array to read.
        targets: (n,) int64 positions of the clips' classes among all classes of the task.
        groups: n subjects; an inner choice is made on subjects that were left out, see `core.group_folds`.
        seed: seed of every random number.
        init: what the stage before learned; None without one.
    """

    samples: Sequence[Sample]
    array: str
    targets: np.ndarray
    groups: Sequence[str]
    seed: int = 0
    init: State | None = None

    def arrays(self) -> Iterator[np.ndarray]:
        """The array of each sample, read when it is asked for."""
        return (sample.array(self.array) for sample in self.samples)

    def matrix(self) -> np.ndarray:
        """(n, length) float32: the values of each sample's array.

        Raises:
            RecipeError: a sample has no such array, or they differ in shape.
        """
        return stack(self.samples, self.array).astype(np.float32).reshape(len(self.samples), -1)


@dataclass
class Transform(ABC):
    """Learns from the training clips of a fold, then makes another array of the array of each clip.

    The constructor only stores settings; attributes that `fit` sets end in an underscore.

    Args:
        array: name of the array of the samples that it reads.
        append_to: name of the array to whose end its values are put; "" replaces `array`.
    """

    name: ClassVar[str]

    array: str = field(default="features", kw_only=True)
    append_to: str = field(default="", kw_only=True)

    def fit(self, training: Training) -> Self:
        """Learn from training clips.

        Returns:
            The transform itself.

        Raises:
            RecipeError: the clips have no such array, or one that this transform cannot take.
        """
        self._fit(dataclasses.replace(training, array=self.array))
        self.fitted_ = True
        return self

    def __call__(self, sample: Sample) -> Sample:
        """The sample with the transformed array.

        Raises:
            NotFittedError: neither `fit` nor `restore` was called before.
            RecipeError: the array has another shape than those of the training.
        """
        if not hasattr(self, "fitted_"):
            raise NotFittedError(f"transform '{self.name}' is not fitted; call fit or restore first")
        values = np.asarray(self._transform(sample.array(self.array)))
        if self.append_to and self.append_to in sample.arrays:
            values = np.concatenate([sample.array(self.append_to).ravel(), values.ravel()]).astype(np.float32)
        # Large arrays of a sample are read from disk when they are asked for: the others stay where they are.
        arrays = ChainMap({self.append_to or self.array: values}, sample.arrays)  # type: ignore[arg-type]
        return dataclasses.replace(sample, arrays=arrays)

    def restore(self, state: State) -> Self:
        """Become what a transform with the same settings was when it returned this state."""
        self._restore(state)
        self.fitted_ = True
        return self

    def _check_length(self, array: np.ndarray, length: int) -> np.ndarray:
        """The values of an array, (length,).

        Raises:
            RecipeError: there are more or fewer.
        """
        values = array.ravel()
        if len(values) != length:
            raise RecipeError(
                f"transform '{self.name}': '{self.array}' has {len(values)} values, those of the training had {length}"
            )
        return values

    @abstractmethod
    def state(self) -> State:
        """Return what was learned as named arrays: what a saved model holds."""

    @abstractmethod
    def _fit(self, training: Training) -> None:
        """Learn from training clips."""

    @abstractmethod
    def _transform(self, array: np.ndarray) -> np.ndarray:
        """What becomes of the array of one clip."""

    @abstractmethod
    def _restore(self, state: State) -> None:
        """Take back what `state` returned."""


TRANSFORMS: Registry[Transform] = Registry("transform", "microexpr.recognizers.transforms")
"""All transforms. One more: a subclass of `Transform` with `@TRANSFORMS.register("name")`."""
