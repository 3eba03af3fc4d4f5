"""Broken and hostile recordings, made in code: files that a folder of a user or of an attacker may hold.

`make(folder)` writes them below `folder` and gives the result that each must have: `done` (an analysis), `error` (one
line), or `any` (one of both: FFmpeg's versions differ in what they can still read).
"""

from __future__ import annotations

import os
import socket
import struct
import wave
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np

from microexpr.imaging.images import write_image
from microexpr.imaging.video import write_video

SIZE = (48, 64)


@dataclass(frozen=True)
class Input:
    """An input of `analyze`, and its expected result."""

    path: Path
    expected: str


def make(root: Path) -> list[Input]:
    """Write more than two hundred inputs below a folder."""
    good = root / "good"
    makers = (truncated, flipped, headers, disguised, playlists, images, folders, lists, odd_files, named, odd_videos)
    for ending in ("mp4", "mov", "avi", "mkv", "m4v"):
        write_video(good / f"good.{ending}", film(), 25)
    found = []
    for maker in makers:
        folder = root / maker.__name__
        folder.mkdir()
        found += list(maker(good, folder))
    return found


def film(frames: int = 12, size: tuple[int, int] = SIZE) -> np.ndarray:
    """Gray noise that gets brighter."""
    noise = np.random.default_rng(0).integers(0, 40, (1, *size, 3), dtype=np.uint8)
    return noise + np.arange(0, 10 * frames, 10, dtype=np.uint8)[:, None, None, None]


def truncated(good: Path, folder: Path) -> Iterator[Input]:
    """Copies that stop too early."""
    for source in sorted(good.iterdir()):
        whole = source.read_bytes()
        lengths = [0, 1, 3, 8, 12, 40, 200, *(int(len(whole) * s) for s in (0.2, 0.5, 0.8, 0.95)), len(whole) - 1]
        for length in lengths:
            path = folder / f"{length}{source.suffix}"
            path.write_bytes(whole[:length])
            yield Input(path, "error" if length < 20 else "any")


def flipped(good: Path, folder: Path) -> Iterator[Input]:
    """Noise in the middle, in the head, and one bit here and there."""
    rng = np.random.default_rng(1)
    for source in sorted(good.iterdir()):
        for k, (at, long) in enumerate([(0.0, 64), (0.02, 64), (0.3, 200), (0.6, 400), (0.97, 100)]):
            data = np.frombuffer(source.read_bytes(), np.uint8).copy()
            first = int(at * len(data))
            data[first : first + long] = rng.integers(0, 256, len(data[first : first + long]))
            data[rng.integers(0, len(data), k)] ^= 16
            path = folder / f"{k}{source.suffix}"
            path.write_bytes(data.tobytes())
            yield Input(path, "any")


def headers(good: Path, folder: Path) -> Iterator[Input]:
    """Heads that promise sizes, lengths and counts that are not there."""
    mp4, avi = (good / "good.mp4").read_bytes(), (good / "good.avi").read_bytes()
    for name, data in (
        ("box.mp4", struct.pack(">I4s", 0xFFFFFFFF, b"ftyp") + mp4[8:]),
        ("box64.mp4", struct.pack(">I4sQ", 1, b"ftyp", 2**63) + mp4),
        ("samples.mp4", _lying(mp4, b"stsz", 8, b"\xff\xff\xff\xff")),
        ("chunks.mp4", _lying(mp4, b"stco", 4, b"\xff\xff\xff\xff")),
        ("times.mp4", _lying(mp4, b"stts", 4, b"\x7f\xff\xff\xff")),
        ("scale.mp4", _lying(mp4, b"mvhd", 12, b"\x00\x00\x00\x00")),
        ("long.mp4", _lying(mp4, b"mvhd", 16, b"\xff\xff\xff\xff")),
        ("wide.mp4", _lying(mp4, b"mp4v", 24, b"\xff\xff\xff\xff")),
        ("frames.avi", _lying(avi, b"avih", 20, b"\xff\xff\xff\xff")),
        ("size.avi", _lying(avi, b"strf", 8, b"\xff\xff\xff\x7f\xff\xff\xff\x7f")),
        ("list.avi", b"RIFF" + b"\xff" * 4 + avi[8:]),
        ("ebml.mkv", b"\x1a\x45\xdf\xa3\x01" + b"\xff" * 7),
        ("nest.mp4", b"".join(struct.pack(">I4s", 2**31 - 1, b"moov") for _ in range(500))),
        ("zeros.mp4", bytes(100_000)),
        ("zeros.mkv", bytes(100_000)),
    ):
        (folder / name).write_bytes(data)
        yield Input(folder / name, "any")


def _lying(data: bytes, box: bytes, after: int, value: bytes) -> bytes:
    at = data.index(box) + len(box) + after
    return data[:at] + value + data[at + len(value) :]


def disguised(good: Path, folder: Path) -> Iterator[Input]:
    """What an ending says is not what is inside."""
    ok, png = cv2.imencode(".png", film(1)[0])
    assert ok
    contents = {
        "text": b"not a video\n" * 20,
        "picture": png.tobytes(),
        "pdf": b"%PDF-1.7\n1 0 obj <</Type /Catalog>> endobj\n%%EOF",
        "zip": b"PK\x03\x04" + bytes(60),
        "html": b"<html><script>alert(1)</script></html>",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        "noise": np.random.default_rng(2).bytes(5000),
        "gzip": b"\x1f\x8b\x08" + bytes(50),
        "elf": b"\x7fELF" + bytes(60),
    }
    for name, data in contents.items():
        for ending in (".mp4", ".avi", ".webm"):
            path = folder / f"{name}{ending}"
            path.write_bytes(data)
            yield Input(path, "error")
    for ending in (".png", ".jpg", ".txt", ".exe", "", ".mp3"):
        path = folder / f"video{ending}"
        path.write_bytes((good / "good.mp4").read_bytes())
        yield Input(path, "error")
    for ending, other in ((".mp4", "avi"), (".avi", "mp4"), (".webm", "mkv"), (".MP4", "mp4"), (".mov", "mkv")):
        path = folder / f"{other}-inside{ending}"
        path.write_bytes((good / f"good.{other}").read_bytes())
        yield Input(path, "done")
    sound = folder / "sound.mp4"
    with wave.open(str(sound), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(16000))
    yield Input(sound, "error")
    for ending in ("mp4", "mkv"):
        with av.open(str(folder / f"audio-only.{ending}"), "w") as container:
            stream = container.add_stream("aac", rate=44100)
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
            frame.sample_rate = 44100
            container.mux(stream.encode(frame))
            container.mux(stream.encode())
        yield Input(folder / f"audio-only.{ending}", "error")


def playlists(good: Path, folder: Path) -> Iterator[Input]:
    """Lists of other files that FFmpeg would open, and addresses instead of paths."""
    victim = good / "good.mp4"
    for name, text in (
        ("ffconcat.mp4", f"ffconcat version 1.0\nfile '{victim}'\n"),
        ("etc.mp4", "ffconcat version 1.0\nfile /etc/passwd\n"),
        ("hls.mp4", f"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:1,\nfile://{victim}\n#EXT-X-ENDLIST\n"),
        ("hls-net.mp4", "#EXTM3U\n#EXTINF:1,\nhttp://127.0.0.1:9/x.ts\n#EXT-X-ENDLIST\n"),
        ("dash.mp4", '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><Period/></MPD>'),
        ("sdp.mp4", "v=0\no=- 0 0 IN IP4 127.0.0.1\nc=IN IP4 127.0.0.1\nm=video 9 RTP/AVP 96\n"),
        ("entity.mp4", '<!DOCTYPE x [<!ENTITY a SYSTEM "file:///etc/passwd">]><x>&a;</x>'),
    ):
        (folder / name).write_text(text)
        yield Input(folder / name, "error")
    for address in (
        *(
            "http://127.0.0.1:9/x.mp4",
            "https://127.0.0.1:9/x.mp4",
            "file:///etc/passwd",
            "pipe:0",
            "-",
            "tcp://127.0.0.1:9",
        ),
        *(
            f"concat:{victim}|{victim}",
            f"subfile,,start,0,end,9,,:{victim}",
            "data:video/mp4;base64,AAAA",
            "lavfi:testsrc.mp4",
        ),
    ):
        yield Input(Path(address), "error")


def images(good: Path, folder: Path) -> Iterator[Input]:
    """Single images: broken, tiny, huge."""
    for ending in (".png", ".jpg", ".bmp", ".tif"):
        whole = cv2.imencode(ending, film(1)[0])[1].tobytes()
        for length in (0, 1, 10, len(whole) // 2, len(whole)):
            (folder / f"{length}{ending}").write_bytes(whole[:length])
            yield Input(folder / f"{length}{ending}", "done" if length == len(whole) else "any")
    for name, shape in (("one.png", (1, 1)), ("wide.png", (2, 9000)), ("8k.png", (4320, 7680))):
        write_image(folder / name, np.full((*shape, 3), 90, np.uint8))
        yield Input(folder / name, "done")
    for side in (12_000, 30_000, 65_535, 2**31 - 1):  # 144 million pixels and more
        (folder / f"promise-{side}.png").write_bytes(_png_head(side))
        yield Input(folder / f"promise-{side}.png", "error")
    (folder / "bomb.png").write_bytes(_png_head(30_000, zlib.compress(bytes(10**7), 9)))
    yield Input(folder / "bomb.png", "error")
    with (folder / "sparse.png").open("wb") as file:
        file.truncate(2**33)
    yield Input(folder / "sparse.png", "error")


def _png_head(side: int, content: bytes = b"") -> bytes:
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", content), (b"IEND", b""))
    parts = (struct.pack(">I", len(d)) + k + d + struct.pack(">I", zlib.crc32(k + d)) for k, d in chunks)
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def _filled(folder: Path, numbers: range | tuple[int, ...] = range(1, 9), pattern: str = "img{}.png") -> Path:
    for number in numbers:
        write_image(folder / pattern.format(number), film(1)[0])
    return folder


def folders(good: Path, folder: Path) -> Iterator[Input]:
    """Folders of frames with everything in them that should not be there."""
    (folder / "empty").mkdir()
    yield Input(folder / "empty", "error")
    for name, file in (
        ("text", "readme.md"),
        ("unnumbered", "face.png"),
        ("hidden", ".img1.png"),
        ("thumbs", "Thumbs.db"),
    ):
        (folder / name).mkdir()
        (folder / name / file).write_bytes(b"x")
        yield Input(folder / name, "error")
    for name, content in (("broken", b"\x89PNG\r\n"), ("zero", b""), ("other", b"GIF89a")):
        (_filled(folder / name) / "img4.png").write_bytes(content)
        yield Input(folder / name, "done")
    (_filled(folder / "first-broken") / "img1.png").write_bytes(b"no")
    yield Input(folder / "first-broken", "done")
    for path in _filled(folder / "all-broken").iterdir():
        path.write_bytes(b"no")
    yield Input(folder / "all-broken", "error")
    _filled(_filled(folder / "double"), (3,), "img03.png")
    yield Input(folder / "double", "error")
    mixed = _filled(folder / "mixed sizes")
    for number, shape in ((3, (20, 30)), (5, (90, 120)), (6, (1, 1)), (8, (48, 63))):
        write_image(mixed / f"img{number}.png", np.full((*shape, 3), 60, np.uint8))
    yield Input(mixed, "done")
    gray = _filled(folder / "mixed colors")
    write_image(gray / "img4.png", film(1)[0][..., 0])
    (gray / "img5.png").write_bytes(cv2.imencode(".png", np.zeros((*SIZE, 4), np.uint16))[1].tobytes())
    yield Input(gray, "done")
    for name, numbers in (
        ("gaps", (1, 2, 3, 900, 901, 902)),
        ("far", (1, 2, 3, 10**9, 10**9 + 1)),
        ("beyond", (1, 2, 10**30)),
        ("largest", (1, 2**63 - 1, 2**63)),
        ("one", (7,)),
        ("two", (7, 8)),
        ("zero first", (0, 1, 2, 3)),
    ):
        yield Input(_filled(folder / name, numbers), "error" if name in ("beyond", "largest") else "done")
    yield Input(_filled(folder / "arabic", (1, 2, 3), "\u0661{}.png"), "done")
    os.mkfifo(_filled(folder / "pipe inside") / "img9.png")
    (_filled(folder / "dangling") / "img9.png").symlink_to(folder / "nowhere.png")
    (_filled(folder / "loop inside") / "img9.png").symlink_to("img9.png")
    (_filled(folder / "folder inside") / "img9.png").mkdir()
    (_filled(folder / "device inside") / "img9.png").symlink_to("/dev/zero")
    for name in ("pipe inside", "dangling", "loop inside", "folder inside", "device inside"):
        yield Input(folder / name, "done")
    (folder / "linked").symlink_to(folder / "two")
    yield Input(folder / "linked", "done")
    (folder / "round").symlink_to("round")
    yield Input(folder / "round", "error")
    locked = _filled(folder / "locked")
    (locked / "img3.png").chmod(0)
    yield Input(locked, "any")  # root reads it all the same


def lists(good: Path, folder: Path) -> Iterator[Input]:
    """Lists of recordings with nonsense in them."""
    for name, content in (
        ("empty.txt", b""),
        ("blank.txt", b"\n \r\n\t\n"),
        ("noise.txt", np.random.default_rng(3).bytes(3000)),
        ("latin.txt", "größe.mp4".encode("latin-1")),
        ("nowhere.txt", b"nowhere.mp4\n../nowhere.mp4\n/nowhere\n"),
        ("itself.txt", b"itself.txt\n"),
        ("devices.txt", b"/dev/zero\n/dev/null\n/proc/self/mem\n/proc/self/environ\n"),
        ("long.txt", b"x" * 100_000 + b".mp4\n"),
        ("null.txt", b"a\0b.mp4\n"),
        ("control.txt", b"\x1b[31mred\x1b[0m.mp4\n"),
        ("addresses.txt", b"http://127.0.0.1:9/a.mp4\n-rf\n--help\n; rm -rf x\n"),
    ):
        (folder / name).write_bytes(content)
        yield Input(folder / name, "error")
    (folder / "good.txt").write_text(f"\ufeff{good / 'good.mp4'}\r\n\r\n  ../good/good.avi  \r\n", encoding="utf-8")
    yield Input(folder / "good.txt", "done")


def odd_files(good: Path, folder: Path) -> Iterator[Input]:
    """What is no file: pipes, sockets, devices, links that lead nowhere or round and round."""
    for ending in (".mp4", ".png", ".txt"):
        os.mkfifo(folder / f"pipe{ending}")
        yield Input(folder / f"pipe{ending}", "error")
    here = Path.cwd()
    os.chdir(folder)  # the address of a socket must be short
    with socket.socket(socket.AF_UNIX) as endpoint:
        endpoint.bind("socket.mp4")
    os.chdir(here)
    yield Input(folder / "socket.mp4", "error")
    for name, target in (
        ("zero.mp4", "/dev/zero"),
        ("null.mp4", "/dev/null"),
        ("random.mp4", "/dev/urandom"),
        ("proc.mp4", "/proc/version"),
        ("memory.mp4", "/proc/self/mem"),
        ("nowhere.mp4", "nowhere"),
        ("round.mp4", "round.mp4"),
        ("root.mp4", "/nowhere/nothing"),
    ):
        (folder / name).symlink_to(target)
        yield Input(folder / name, "error")
    (folder / "linked.mp4").symlink_to(good / "good.mp4")
    (folder / "folder.mp4").mkdir()
    yield Input(folder / "linked.mp4", "done")
    yield Input(folder / "folder.mp4", "error")
    for path in (
        ".",
        "/dev/zero",
        "/dev/null",
        "/nowhere/x.mp4",
        "x" * 300 + ".mp4",
        "x/" * 3000 + ".mp4",
        "a\0b.mp4",
    ):
        yield Input(Path(path), "error")


NAMES = (
    *(" .mp4", "  two  spaces .mp4", "it's.mp4", 'say "cheese".mp4', "line\nbreak.mp4", "tab\there.mp4", "bell\a.mp4"),
    *(
        "-rf.mp4",
        "--out.mp4",
        "-.mp4",
        "..mp4.mp4",
        "...mp4",
        ".hidden.mp4",
        "trailing..mp4",
        "a;b&c|d.mp4",
        "$(id).mp4",
    ),
    *("`id`.mp4", "%s%n.mp4", "%2e%2e%2f.mp4", "back\\slash.mp4", "..\\..\\up.mp4", "C:\\x.mp4", "a:b.mp4", "CON.mp4"),
    *(
        "<img src=x onerror=alert(1)>.mp4",
        "]]>&amp;.mp4",
        "<!--<script>.mp4",
        "{{ 7 * 7 }}.mp4",
        "[bold]red[-].mp4",
        "*?.mp4",
    ),
    *(
        "größe.mp4",
        "gro\u0308ße.mp4",
        "表情.mp4",
        "\u202egnp.mp4",
        "🙂.mp4",
        "\u200b.mp4",
        "=1+1.mp4",
        "x" * 250 + ".mp4",
    ),
    *(
        "\ud800.mp4".encode("utf-8", "surrogatepass").decode("utf-8", "surrogateescape"),
        "\udcff\udcfe.mp4",
        "http:.mp4",
    ),
)


def named(good: Path, folder: Path) -> Iterator[Input]:
    """A whole video under names that shells, FFmpeg, HTML, XML and spreadsheets take for something else."""
    for name in NAMES:
        path = folder / name
        path.write_bytes((good / "good.mp4").read_bytes())
        yield Input(path, "done")
    yield Input(folder / ".." / "named" / "it's.mp4", "done")
    yield Input(folder / "." / ".." / ".." / folder.parent.name / "good" / "good.mov", "done")


def odd_videos(good: Path, folder: Path) -> Iterator[Input]:
    """One frame, two, none; 8K, two pixels; times that jump, stand or run back."""
    for name, frames, size in (
        ("one.mp4", 1, SIZE),
        ("two.mp4", 2, SIZE),
        ("tiny.mp4", 5, (2, 2)),
        ("flat.mp4", 3, (2, 4096)),
        ("8k.mp4", 1, (4320, 7680)),
    ):
        write_video(folder / name, film(frames, size), 25)
        yield Input(folder / name, "done")
    with av.open(str(folder / "none.mkv"), "w") as container:
        stream = container.add_stream("mpeg4", rate=25)
        stream.height, stream.width = SIZE
        container.start_encoding()
    yield Input(folder / "none.mkv", "error")
    for name, stamps in (
        ("jump.mkv", (0, 40, 80, 90_000_000_000, 90_000_000_040)),
        ("late.mkv", (5_000_000, 5_000_040, 5_000_080, 5_000_120)),
        ("vary.mkv", (0, 10, 200, 210, 900, 5000)),
    ):
        timed_video(folder / name, stamps)
        yield Input(folder / name, "done")


def timed_video(path: Path, stamps: tuple[int, ...]) -> None:
    """A frame at each of these milliseconds."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=1000)
        stream.height, stream.width = SIZE
        stream.pix_fmt, stream.codec_context.time_base = "yuv420p", Fraction(1, 1000)
        for image, stamp in zip(film(len(stamps)), stamps, strict=True):
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts, frame.time_base = stamp, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
