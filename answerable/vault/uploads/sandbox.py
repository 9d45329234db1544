"""The room a hostile file is opened in: no network, no files, no other processes, little memory and little time.

Linux only, entered by the process itself after its imports and before it reads a byte of input; there is no way out.
Three layers, each of which would do alone against what it is for:

    namespaces  own network (without even a loopback up), processes, mounts, IPC and host name; an empty root
    filter      seccomp: only the few system calls that reading, writing and computing need
    limits      memory, time, descriptors, processes, file size; no privileges, no dumps; nobody instead of root

Where the host forbids the first (a container, a hardened kernel) or the processor is not in our table for the second,
the rest still holds, and `enter` says which did.
"""

from __future__ import annotations

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from pathlib import Path

MEMORY_BYTES = 1 << 30
CPU_SECONDS = 25
NOBODY = 65534

_NEWNS, _NEWCGROUP, _NEWUTS, _NEWIPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
_NEWUSER, _NEWPID, _NEWNET = 0x10000000, 0x20000000, 0x40000000
_NAMESPACES = _NEWNS | _NEWCGROUP | _NEWUTS | _NEWIPC | _NEWPID | _NEWNET
_MS_RDONLY, _MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_REC, _MS_PRIVATE = 1, 2, 4, 8, 0x4000, 1 << 18
_MNT_DETACH = 2
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 1, 4, 22, 38
_CAPABILITY_VERSION_3 = 0x20080522

# fmt: off
# By processor: its AUDIT_ARCH number, pivot_root, capset, mmap and mprotect, and the calls allowed:
# read write readv writev close fstat newfstatat lseek mmap mprotect munmap brk mremap madvise rt_sigaction
# rt_sigprocmask rt_sigreturn sigaltstack sched_yield nanosleep clock_nanosleep clock_gettime gettimeofday getpid
# gettid tgkill futex set_robust_list rseq membarrier getrandom getrusage restart_syscall exit exit_group
# (tgkill so that an abort ends the process; it reaches nobody else, being alone). openat, socket, clone, execve,
# prctl and ioctl are not among them.
_SYSCALLS = {
    "x86_64": (0xC000003E, 155, 126, 9, 10,
               (0, 1, 19, 20, 3, 5, 262, 8, 9, 10, 11, 12, 25, 28, 13, 14, 15, 131, 24, 35, 230, 228, 96, 39, 186, 234,
                202, 273, 334, 324, 318, 98, 219, 60, 231)),
    "aarch64": (0xC00000B7, 41, 91, 222, 226,
                (63, 64, 65, 66, 57, 80, 79, 62, 222, 226, 215, 214, 216, 233, 134, 135, 139, 132, 124, 101, 115, 113,
                 169, 172, 178, 131, 98, 99, 293, 283, 278, 165, 128, 93, 94)),
}
# fmt: on

_libc = ctypes.CDLL(None, use_errno=True)


def enter() -> str:
    """Shut this process in, for good, and say what holds: `namespaces+filter`, `namespaces`, `filter` or `limits`.

    Returns in a child; the process that called stays behind only to pass on how the child ended, and holds nothing.
    Raises OSError when not even the limits can be set: then nothing may be opened.
    """
    namespaces = _own_namespaces()
    _leave_a_guardian()
    _call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    os.closerange(3, 65536)
    os.chdir("/")
    _limit()
    if os.geteuid() == 0:
        _become_nobody()
    _drop_capabilities()
    _call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    _call("prctl", _PR_SET_DUMPABLE, 0, 0, 0, 0)
    # Changing the user forgot it.
    _call("prctl", _PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    filtered = _filter()
    return "+".join(name for name, holds in (("namespaces", namespaces), ("filter", filtered)) if holds) or "limits"


def _call(name: str, *arguments: object) -> None:
    if getattr(_libc, name)(*[ctypes.c_ulong(a) if isinstance(a, int) else a for a in arguments]) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{name}: {os.strerror(number)}")


def _own_namespaces() -> bool:
    """Leave the host's network, processes, mounts and IPC, for an empty root. False where the host forbids any of it."""
    try:
        try:
            _call("unshare", _NAMESPACES)
        except OSError:
            # Without the privilege, a user namespace of our own gives it, over nothing but what is in there.
            if os.geteuid() == 0:
                _become_nobody()
                _call("prctl", _PR_SET_DUMPABLE, 1, 0, 0, 0)
            user, group = os.getuid(), os.getgid()
            _call("unshare", _NAMESPACES | _NEWUSER)
            Path("/proc/self/setgroups").write_text("deny")
            Path("/proc/self/uid_map").write_text(f"{user} {user} 1")
            Path("/proc/self/gid_map").write_text(f"{group} {group} 1")
        _empty_root()
    except OSError:
        return False
    return True


def _empty_root() -> None:
    _call("mount", b"none", b"/", None, _MS_REC | _MS_PRIVATE, None)
    sealed_off = _MS_RDONLY | _MS_NOSUID | _MS_NODEV | _MS_NOEXEC
    # Over /usr because it is always there; only this process sees it so.
    _call("mount", b"none", b"/usr", b"tmpfs", sealed_off, b"size=4k,nr_inodes=2,mode=0555")
    os.chdir("/usr")
    known = _SYSCALLS.get(platform.machine())
    if known and _libc.syscall(ctypes.c_long(known[1]), b".", b".") == 0:
        _call("umount2", b".", _MNT_DETACH)
    else:
        # A root that cannot be pivoted (an initial RAM disk): with no capability left there is no way out of this.
        os.chroot(".")
    os.chdir("/")


def _leave_a_guardian() -> None:
    """Go on in a child, the first process of the new process namespace; the parent waits and ends as it did."""
    child = os.fork()
    if child == 0:
        return
    try:
        os.closerange(0, 65536)
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        os._exit(code if code >= 0 else 128 - code)
    finally:
        os._exit(1)


def _limit() -> None:
    for what, most in (
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CPU, CPU_SECONDS),
        # The three pipes are open already: not one file or socket more, and none of them grows a file.
        (resource.RLIMIT_NOFILE, 3),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NPROC, 0),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


def _become_nobody() -> None:
    os.setgroups([])
    os.setresgid(NOBODY, NOBODY, NOBODY)
    os.setresuid(NOBODY, NOBODY, NOBODY)


def _drop_capabilities() -> None:
    """Those a user namespace gave. After nobody there are none left, and this changes nothing."""
    known = _SYSCALLS.get(platform.machine())
    if known is None:
        return
    header = struct.pack("=Ii", _CAPABILITY_VERSION_3, 0)
    if _libc.syscall(ctypes.c_long(known[2]), header, bytes(24)) != 0:
        raise OSError(ctypes.get_errno(), "capset")


class _Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p)]


def _filter() -> bool:
    """Let the kernel refuse every system call outside the table, and memory that is made executable."""
    known = _SYSCALLS.get(platform.machine())
    if known is None or sys.byteorder != "little":
        return False
    architecture, _, _, mmap, mprotect, allowed = known
    refuse, allow, kill = 0x00050000 | 1, 0x7FFF0000, 0x80000000  # refuse: EPERM
    program = [
        (0x20, 0, 0, 4),  # load the architecture
        (0x15, 1, 0, architecture),
        (0x06, 0, 0, kill),
        (0x20, 0, 0, 0),  # load the call's number
        (0x15, 1, 0, mmap),
        (0x15, 0, 4, mprotect),
        (0x20, 0, 0, 32),  # load the third argument: the protection asked for
        (0x45, 0, 1, 4),  # PROT_EXEC
        (0x06, 0, 0, refuse),
        (0x06, 0, 0, allow),
    ]
    for number in allowed:
        program += [(0x15, 0, 1, number), (0x06, 0, 0, allow)]
    program.append((0x06, 0, 0, refuse))
    packed = b"".join(struct.pack("=HBBI", *instruction) for instruction in program)
    filters = _Program(len(program), packed)
    mode_filter = 2
    return bool(
        _libc.prctl(
            ctypes.c_int(_PR_SET_SECCOMP), ctypes.c_ulong(mode_filter), ctypes.byref(filters), ctypes.c_ulong(0),
            ctypes.c_ulong(0),
        ) == 0
    )  # fmt: skip
