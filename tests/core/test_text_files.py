"""Whatever lies under the name of a file that people write, it is read, or one sentence says why not."""

import codecs
import os
from pathlib import Path

import pytest

from core.errors import ConfigurationError
from core.text_files import LARGEST_BYTES, is_unicode, read_text


def test_text_is_read_without_its_byte_order_mark(tmp_path: Path) -> None:
    """As editors of Windows write it; a file that does not exist has no text."""
    file = tmp_path / "file"
    assert read_text(file, "FILE") is None
    file.write_bytes(codecs.BOM_UTF8 + "zwölf\r\n".encode())
    assert read_text(file, "FILE") == "zwölf\r\n"
    (tmp_path / "link").symlink_to(file)
    assert read_text(tmp_path / "link", "FILE") == "zwölf\r\n"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        ("A=1\r\nB=zwölf\n".encode("cp1252"), "the byte 0xF6 in line 2 is not UTF-8 text. Save the file as UTF-8."),
        (codecs.BOM_UTF8 + b"\n\n\xff", "the byte 0xFF in line 3 is not UTF-8 text. Save the file as UTF-8."),
        (b"A=1\rB=\xe2\x82", "the byte 0xE2 in line 2 is not UTF-8 text. Save the file as UTF-8."),
        ("A=1".encode("utf-16"), "it is UTF-16 text. Save it as UTF-8."),
        (codecs.BOM_UTF16_BE + "A=1".encode("utf-16-be"), "it is UTF-16 text. Save it as UTF-8."),
        ("A=1".encode("utf-32"), "it is UTF-32 text. Save it as UTF-8."),
        ("\nA=1".encode("utf-16-le"), "line 2 has a NUL character. Save the file as UTF-8 text."),
        (b"A=1\nB=\0\n", "line 2 has a NUL character. Save the file as UTF-8 text."),
        (b"#" * (LARGEST_BYTES + 1), "it has more than 1,024 KB, so it is not the file that is meant."),
    ],
)
def test_other_content_is_refused_with_its_line(tmp_path: Path, data: bytes, why: str) -> None:
    """And with what to do."""
    file = tmp_path / "file"
    file.write_bytes(data)
    with pytest.raises(ConfigurationError) as refused:
        read_text(file, "FILE")
    assert str(refused.value) == f"FILE cannot be read: {why}"


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    """Without waiting for what a pipe or a device would send."""
    (folder := tmp_path / "folder").mkdir()
    os.mkfifo(pipe := tmp_path / "pipe")
    (dangling := tmp_path / "dangling").symlink_to("nowhere")
    (loop := tmp_path / "loop").symlink_to("loop")
    (device := tmp_path / "device").symlink_to("/dev/zero")
    (inside := tmp_path / "inside").write_text("")
    for path, why in {
        folder: "it is a folder. Write a file of that name, or remove the folder.",
        pipe: "it is a pipe or a device. Write a file of that name.",
        dangling: "it is a link to nowhere, which does not exist.",
        loop: "Too many levels of symbolic links.",
        device: "it is a pipe or a device. Write a file of that name.",
        inside / "file": "Not a directory.",
        tmp_path / ("a" * 300): "File name too long.",
    }.items():
        with pytest.raises(ConfigurationError) as refused:
            read_text(path, "FILE")
        assert str(refused.value) == f"FILE cannot be read: {why}"


def test_a_file_that_may_not_be_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Modes do not count for root, as whom these tests may run: the refusal is the system's own error."""

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    (tmp_path / "file").write_text("A=1")
    monkeypatch.setattr(os, "open", refuse)
    with pytest.raises(ConfigurationError, match=r"^FILE cannot be read: Permission denied\.$"):
        read_text(tmp_path / "file", "FILE")


def test_half_a_character_is_no_unicode_text() -> None:
    """Python reads a byte of the environment that is not UTF-8 as one."""
    assert [is_unicode(text) for text in ("", "zwölf", "\U0001f600", os.fsdecode(b"\xff"))] == [True, True, True, False]
