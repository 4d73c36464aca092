"""The complete demonstration on real biopsies: `python mlops_example.py [FOLDER]`, or `mlops demo`.

Its chapters are in mlops/cli/demo/: a damaged table, its quarantine and features, a dozen tracked runs, the best by
search, a comparison, the model reloaded in a fresh process, the registry with its model cards, and an A/B test.
"""

import sys
from pathlib import Path

from mlops.cli.demo import main

if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
