"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
from pathlib import Path


def shape() -> dict[str, object]:
    """Cores, memory, Python and kernel of this machine."""
    memory = 0
    meminfo = Path("/proc/meminfo")
    if meminfo.exists():
        memory = int(meminfo.read_text(encoding="ascii").split()[1]) // 1024**2
    return {
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "memory_gib": memory,
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release().split('-')[0]} {platform.machine()}",
    }
