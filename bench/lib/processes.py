"""A node as a process: the command that starts it, and the memory and processor time that it uses."""

import sys

from lib.members import read

ENTENTE = (sys.executable, "-m", "entente.interfaces.run")


def memory(process, field="VmRSS"):
    """Return what a process holds in memory, in MB (`VmHWM`: at its peak)."""
    found = [line for line in read(f"/proc/{process.pid}/status").splitlines() if line.startswith(field)]
    return int(found[0].split()[1]) / 1000 if found else 0.0


def used(process):
    """Return the CPU seconds of a process so far."""
    fields = read(f"/proc/{process.pid}/stat").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / 100
