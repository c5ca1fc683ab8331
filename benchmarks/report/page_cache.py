"""Files brought into the page cache or dropped from it, and whether that worked. Linux only."""

import ctypes
import mmap
import os

_libc = ctypes.CDLL(None, use_errno=True)
_libc.mmap.restype = ctypes.c_void_p
_libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_long]
_libc.munmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t]
_libc.mincore.argtypes = [ctypes.c_void_p, ctypes.c_size_t, ctypes.c_char_p]
_FAILED = ctypes.c_void_p(-1).value


def cached_fraction(path):
    """How much of the file is in the page cache, 0 to 1."""
    size = os.path.getsize(path)
    if size == 0:
        return 1.0
    file = os.open(path, os.O_RDONLY)
    try:
        at = _libc.mmap(None, size, mmap.PROT_READ, mmap.MAP_SHARED, file, 0)
        if at == _FAILED:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(path))
    finally:
        os.close(file)
    pages = (size + mmap.PAGESIZE - 1) // mmap.PAGESIZE
    seen = ctypes.create_string_buffer(pages)
    try:
        if _libc.mincore(at, size, seen) != 0:
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(path))
    finally:
        _libc.munmap(at, size)
    return (pages - seen.raw.count(b"\0")) / pages


def read(path):
    """Reads the file once; False when it is not all in the page cache afterwards."""
    buffer = bytearray(1 << 22)
    with open(path, "rb", buffering=0) as file:
        while file.readinto(buffer):
            pass
    return cached_fraction(path) > 0.999


def drop(path):
    """Writes what is dirty and drops the file from the page cache; False when some of it stays."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(file)
    return cached_fraction(path) < 0.001


class Warmed:
    """Files that are in the page cache because they were read from the disk, all in the same way.

    What a writer leaves there is as large in pages as its writes were, and is mapped with fewer or more page faults.
    """

    def __init__(self):
        self.known = {}

    def warm(self, path):
        """Drops the file and reads it, unless that was done and nothing has changed since; False when it cannot be."""
        facts = os.stat(path)
        state = (facts.st_ino, facts.st_size, facts.st_mtime_ns)
        if self.known.get(str(path)) == state and cached_fraction(path) > 0.999:
            return True
        drop(path)  # a file system in memory has but one way
        is_done = read(path)
        self.known[str(path)] = state
        return is_done

    def drop(self, path):
        """Who is asked then brings it in as it likes: it has to be read anew before it is warm."""
        self.known.pop(str(path), None)
        return drop(path)
