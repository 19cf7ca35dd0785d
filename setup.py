"""What pyproject.toml cannot say: a wheel holds files of the checkout's root, where `suite.shipped` looks for them."""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

SHIPPED = ("variants", "schema", "constraints.txt")


class BuildWithShipped(build_py):
    """Copies them into the package; an editable install reads them where they are."""

    def run(self) -> None:
        """Build the packages, then add the copies."""
        super().run()
        if self.editable_mode:
            return
        target = Path(self.build_lib, "suite", "_shipped")
        shutil.rmtree(target, ignore_errors=True)  # what an earlier build left
        target.mkdir(parents=True)
        for name in SHIPPED:
            copy = shutil.copytree if Path(name).is_dir() else shutil.copy2
            copy(name, target / name)


setup(cmdclass={"build_py": BuildWithShipped})
