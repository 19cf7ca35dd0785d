"""A module whose import never ends; it says through a named pipe that it has begun."""

import os
import time

with open(os.environ["SLOW_IMPORT"], "w") as pipe:  # noqa: PTH123
    pipe.write("begun")
time.sleep(600)
