"""Random numbers of a torch generator, drawn by compiled code: the same numbers as torch draws, several times as fast.

torch's generator on a CPU is the Mersenne Twister (Matsumoto and Nishimura: Mersenne Twister, ACM TOMACS 8, 1998); the
lower 24 bits of an output, divided by 2 ** 24, are a uniform number in float32.
"""

# ruff: noqa: ANN001, ANN202 - Numba derives the types of compiled functions.
# mypy: disable-error-code="no-untyped-def"

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np
import torch
from numba import njit

from .base import Dropout

WORDS, SHIFT = 624, 397
"""Length of the twister's state, and the distance of the words that are combined."""

LEFT, NEXT, FIRST = 8, 16, 24
"""Bytes in torch's copy of a generator: numbers left (int32), the next word (int64), and the first word (int64)."""


def draw_kept(dropout: Dropout, count: int, groups: Sequence[int], places: int, dtype: np.dtype) -> np.ndarray:
    """Draw what a dropout keeps of several groups of maps, as if each group were drawn after the one before.

    Args:
        dropout: the module; its generator draws.
        count: number of clips, n.
        groups: number of maps of each group, of shape (n, maps, places).
        places: number of values of a map.
        dtype: type of the result.

    Returns:
        (n x places x all maps,) 1 for each value that is kept, else 0.
    """
    kept = np.ones((count, places, sum(groups)), dtype)
    if dropout.p > 0:  # without dropout, the module draws nothing
        if dropout.generator is not None and draws_as_torch():
            state = dropout.generator.get_state()
            _draw(state.numpy(), float(np.float32(dropout.p)), np.array(groups), kept)
            dropout.generator.set_state(state)
        else:
            drawn = torch.cat([dropout.draw_kept((count, maps, places)) for maps in groups], dim=1)
            kept[...] = drawn.numpy().transpose(0, 2, 1)
    return kept.reshape(-1)


@cache
def draws_as_torch() -> bool:
    """Whether this version of torch draws the numbers, and leaves the generator, as this file does."""
    one, two, dropout = torch.Generator().manual_seed(1), torch.Generator().manual_seed(1), Dropout(0.3)
    torch.rand(7, generator=one)
    two.set_state(one.get_state())
    dropout.generator = one
    state, kept = two.get_state(), np.empty((40, 3, 9), np.float32)
    if len(state) < FIRST + 8 * WORDS:
        return False
    _draw(state.numpy(), float(np.float32(dropout.p)), np.array([4, 5]), kept)
    drawn = torch.cat([dropout.draw_kept((40, maps, 3)) for maps in (4, 5)], dim=1)
    same = np.array_equal(kept, drawn.numpy().transpose(0, 2, 1))
    return same and torch.equal(state, one.get_state())


@njit(nogil=True, cache=True)
def _draw(state, rate, groups, kept):
    """Fill `kept` (n, places, maps) with 1 for each number at or above the rate, else 0; `state` moves on."""
    left, following = state[LEFT : LEFT + 4].view(np.int32), state[NEXT : NEXT + 8].view(np.int64)
    stored = state[FIRST : FIRST + 8 * WORDS].view(np.uint64)
    words = stored.astype(np.uint32)
    number = following[0] if left[0] > 1 else WORDS
    count, places, _ = kept.shape
    limit = np.uint32(np.ceil(rate * 2**24))  # u / 2**24 >= rate, in whole numbers
    block, drawn = np.empty(WORDS, np.uint8), np.empty(count * groups.max() * places, np.uint8)
    _compare(words, limit, block)
    first = 0
    for maps in groups:
        done, wanted = 0, count * maps * places
        while done < wanted:  # block by block, so that the loops have no branch
            if number == WORDS:
                _twist(words)
                _compare(words, limit, block)
                number = 0
            some = min(WORDS - number, wanted - done)
            drawn[done : done + some] = block[number : number + some]
            done, number = done + some, number + some
        for j in range(count):
            for m in range(maps):
                own = drawn[(j * maps + m) * places : (j * maps + m + 1) * places]
                for k in range(places):
                    kept[j, k, first + m] = own[k]
        first += maps
    stored[:] = words
    following[0] = number
    left[0] = WORDS + 1 - number


@njit(nogil=True, cache=True)
def _twist(words):
    """The next 624 words of the state."""
    for k in range(WORDS - SHIFT):
        words[k] = words[k + SHIFT] ^ _mixed(words[k], words[k + 1])
    for k in range(WORDS - SHIFT, WORDS - 1):
        words[k] = words[k + SHIFT - WORDS] ^ _mixed(words[k], words[k + 1])
    words[WORDS - 1] = words[SHIFT - 1] ^ _mixed(words[WORDS - 1], words[0])


@njit(nogil=True, cache=True)
def _mixed(one, two):
    upper, lower = np.uint32(0x80000000), np.uint32(0x7FFFFFFF)
    joined = (one & upper) | (two & lower)
    return (joined >> np.uint32(1)) ^ (np.uint32(0x9908B0DF) * (two & np.uint32(1)))


@njit(nogil=True, cache=True)
def _compare(words, limit, kept):
    """1 for each word of a state whose output has lower 24 bits at or above the limit, else 0."""
    for k in range(WORDS):
        y = words[k]
        y ^= y >> np.uint32(11)
        y ^= (y << np.uint32(7)) & np.uint32(0x9D2C5680)
        y ^= (y << np.uint32(15)) & np.uint32(0xEFC60000)
        y ^= y >> np.uint32(18)
        kept[k] = (y & np.uint32(2**24 - 1)) >= limit
