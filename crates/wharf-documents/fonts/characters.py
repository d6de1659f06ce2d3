"""Prints the characters of the built-in face, one U+XXXX a line. See README.md."""

from pathlib import Path

characters = set(range(0x20, 0x7F)) | set(range(0xA0, 0x180)) | set(range(0x1EA0, 0x1EFA)) | set(range(0x4E00, 0xA000))
characters |= {0x2010, 0x2011, 0x2012, 0x2013, 0x2014, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2026, 0x2122, 0x25A1, 0x3013}
characters |= {0x20A9, 0x20AB, 0x20AC, 0x20B9, 0x20BD}
for lead in range(0x81, 0xFF):
    for trail in [*range(0x40, 0x7F), *range(0x80, 0xFF)]:
        try:
            characters.add(ord(bytes([lead, trail]).decode("gbk")))
        except UnicodeDecodeError:
            pass
characters |= {ord(c) for c in Path(__file__).with_name("rare.txt").read_text(encoding="utf-8") if c != "\n"}
print("\n".join(f"U+{c:04X}" for c in sorted(characters)))
