"""`outrider` with a profiler in it: the same commands, measured as BENCH_PROFILE says (bench/stages.py).

BENCH_PROFILE=stages|functions python -m bench.instrumented up --json
"""

from __future__ import annotations

import os

from bench.stages import install
from outrider.cli import main

if __name__ == "__main__":
    install(os.environ["BENCH_PROFILE"])
    main()
