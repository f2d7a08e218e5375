"""``python _timed.py RESULT OUTPUT COMMAND...``: run a command, write what it took to RESULT as JSON.

A process of its own, and a small one: what the system tells of the greatest memory of a child is at least
that of the process that started it.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

if __name__ == "__main__":
    result, output, *command = sys.argv[1:]
    with Path(output).open("wb") as file:
        clock = time.perf_counter()
        code = subprocess.call(command, stdout=file, stderr=subprocess.STDOUT)
        seconds = time.perf_counter() - clock
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    # Linux counts in KiB, macOS in bytes.
    peak = used.ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    took = {"code": code, "seconds": seconds, "cpu_s": used.ru_utime + used.ru_stime, "peak_bytes": peak}
    Path(result).write_text(json.dumps(took))
