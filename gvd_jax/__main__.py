"""python -m gvd_jax"""

import sys

from gvd_jax.cli import main

sys.exit(main())
