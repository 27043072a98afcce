#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Makes the small kernel files of kernels/: an ELF image that only halts, with a PVH note, the same
# as a bzImage in every compression, and broken ones. Run by hand; the results are in the repository.
import bz2
import gzip
import lzma
import os
import struct

here = os.path.join(os.path.dirname(os.path.abspath(__file__)), "kernels")
base = 0x100000


def note(name, kind, value):
    return struct.pack("<III", len(name), len(value), kind) + name.ljust(4, b"\0") + value.ljust(4, b"\0")


def elf(notes, machine=62, bss=0x3000, entry=base, tail=b"symbols nobody loads"):
    header_size, phdr_size = 64, 56
    code = b"\xf4\xeb\xfd".ljust(64, b"\x90") + notes
    at = header_size + 2 * phdr_size
    data = code + bytes(256)  # zeros that repacking cuts off
    phdrs = struct.pack("<IIQQQQQQ", 1, 5, at, base, base, len(data), len(data) + bss, 16)
    phdrs += struct.pack("<IIQQQQQQ", 4, 4, at + 64, base + 64, base + 64, len(notes), len(notes), 4)
    ident = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    head = ident + struct.pack("<HHIQQQIHHHHHH", 2, machine, 1, entry, 64, 0, 0, 64, 56, 2, 0, 0, 0)
    return head + phdrs + data + tail


def bzimage(payload, version=0x20f, cut=0):
    setup = bytearray(1024)  # one sector of setup code besides the boot sector
    setup[0x1f1] = 1
    struct.pack_into("<IH", setup, 0x202, 0x53726448, version)
    struct.pack_into("<II", setup, 0x248, 16, len(payload))
    image = bytes(setup) + bytes(16) + payload
    return image[: len(image) - cut]


def lz4_literals(data):
    extra, rest = b"", len(data) - 15
    while rest >= 255:
        extra, rest = extra + b"\xff", rest - 255
    block = b"\xf0" + extra + bytes([rest]) + data
    return struct.pack("<II", 0x184C2102, len(block)) + block


def zstd_raw(data):
    block = struct.pack("<I", len(data) << 3 | 1)[:3] + data
    return b"\x28\xb5\x2f\xfd" + b"\x60" + struct.pack("<H", len(data) - 256) + block


def write(name, data):
    with open(os.path.join(here, name), "wb") as file:
        file.write(data)


pvh = note(b"Xen\0", 18, struct.pack("<I", base))
good = elf(note(b"GNU\0", 1, b"abc") + pvh)
size = struct.pack("<I", len(good))
write("good.elf", good)
write("gzip.bz", bzimage(gzip.compress(good, mtime=0)))
write("xz.bz", bzimage(lzma.compress(good, check=lzma.CHECK_CRC32) + size))
write("lzma.bz", bzimage(lzma.compress(good, format=lzma.FORMAT_ALONE) + size))
write("bzip2.bz", bzimage(bz2.compress(good) + size))
write("lz4.bz", bzimage(lz4_literals(good) + size))
write("zstd.bz", bzimage(zstd_raw(good) + size))
write("lzo.bz", bzimage(b"\x89LZO" + bytes(32)))
write("damaged.bz", bzimage(lzma.compress(good)[:-20]))
write("truncated.bz", bzimage(gzip.compress(good, mtime=0), cut=8))
write("old.bz", bzimage(gzip.compress(good, mtime=0), version=0x207))
write("not-elf.bz", bzimage(gzip.compress(b"just text, no kernel", mtime=0)))
write("no-note.elf", elf(note(b"GNU\0", 18, struct.pack("<I", base))))
write("entry-outside.elf", elf(note(b"Xen\0", 18, struct.pack("<I", 0x900000))))
write("arm.elf", elf(pvh, machine=183))
version = note(b"Xen\0", 5, b"xen-3.0\0")
write("pv.elf", elf(version + note(b"Xen\0", 1, struct.pack("<Q", base))))
write("32-bit.elf", good[:4] + b"\x01" + good[5:])
write("large.elf", elf(pvh, bss=0x1000000))
write("up-to-4m.elf", elf(pvh, bss=0x2ff000 - 324))
write("segment-outside.elf", good[: 64 + 112 + 40])
write("text.txt", b"this is not a kernel\n" * 40)
write("empty", b"")
