"""How long the default gallery takes, as a multiple of importing TensorFlow on the same machine.

Run it with `make benchmark`. Each figure is the median of three runs in fresh processes, files warm in the
cache: the whole of `activation-gallery build`, MkDocs included, against `import tensorflow`.
"""

import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNS = 3


def seconds(command: list[str]) -> tuple[float, str]:
    """Return how long a command took and what it printed."""
    start = time.perf_counter()
    done = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return time.perf_counter() - start, done.stdout


def main() -> None:
    """Measure in turn, so that a slow moment hits both, and print the ratio."""
    imports, builds, again, summary = [], [], [], ""
    with tempfile.TemporaryDirectory() as folder:
        build = [sys.executable, "-m", "generator", "build", "--no-progress", "--force", "--model",
                 "models/cats_and_dogs.hdf5", "--images", "test_images", "--config", "gallery.toml",
                 "--output", f"{folder}/site"]  # fmt: skip
        seconds(build)
        for _ in range(RUNS):
            imports.append(seconds([sys.executable, "-c", "import tensorflow"])[0])
            spent, summary = seconds(build)
            builds.append(spent)
            again.append(seconds([each for each in build if each != "--force"])[0])
    ratio = statistics.median(builds) / statistics.median(imports)
    print(re.sub(r"\n.*", "", summary, flags=re.DOTALL))
    print(f"import tensorflow: {statistics.median(imports):.2f} s (median of {RUNS})")
    print(f"the whole gallery: {statistics.median(builds):.2f} s (median of {RUNS})")
    print(f"ratio: {ratio:.2f} (goal: below 6)")
    print(f"the same again, nothing changed: {statistics.median(again):.2f} s (goal: below 1)")


if __name__ == "__main__":
    main()
