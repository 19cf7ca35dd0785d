import pytest

from suite import sources

BLOCK, LAYERS = "suite/nn/block.py", "suite/nn/layers.py"
OTHER_TWICE = "def twice(x):\n    return x + x\n"
MODULES = {
    "suite/__init__.py": "",
    "suite/nn/__init__.py": "",
    "suite/nn/block.py": '"""A block."""\n\nfrom suite.nn import layers\n\n\ndef run(x):\n    return layers.twice(x)\n',
    "suite/nn/layers.py": "def twice(x):\n    return 2 * x\n",
    "suite/nn/other.py": "def thrice(x):\n    return 3 * x\n",
    "suite/metrics/__init__.py": "",
    "suite/metrics/definitions.py": "AP = 'ap'\n",
    "suite/spec/__init__.py": "LIMIT = 1\n",
}


@pytest.fixture
def digest(tmp_path, monkeypatch):
    """The digest of `suite.nn.block` after files were changed."""

    def forget():
        for cached in (sources._file, sources._meaning, sources._imports):
            cached.cache_clear()

    def measure(changes=None):
        for name, text in {**MODULES, **(changes or {})}.items():
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        forget()
        return sources.code_digest(["suite.nn.block"])

    monkeypatch.setattr(sources, "_ROOT", tmp_path)
    yield measure
    forget()


def test_a_changed_module_changes_the_digest(digest):
    assert digest() != digest({BLOCK: MODULES[BLOCK].replace("(x)", "(y)")})


def test_a_changed_import_changes_the_digest(digest):
    assert digest() != digest({LAYERS: OTHER_TWICE})


def test_what_is_not_imported_does_not_matter(digest):
    assert digest() == digest({"suite/nn/other.py": "def thrice(x):\n    return x + x + x\n"})


def test_what_a_metric_is_called_does_not_matter(digest):
    text = "from suite.metrics.definitions import AP\n\n\ndef run(x):\n    return AP, x\n"
    called = digest({BLOCK: text})

    assert called == digest({BLOCK: text, "suite/metrics/definitions.py": "AP = 'mean ap'\n"})


def test_comments_docstrings_and_layout_do_not_matter(digest):
    text = 'def twice(x):  # a comment\n    """Say."""\n\n    return (\n        2 * x\n    )\n'

    assert digest() == digest({LAYERS: text})


def test_imports_inside_functions_and_relative_ones_count(digest):
    text = "def run(x):\n    from . import layers\n\n    return layers.twice(x)\n"
    before = digest({BLOCK: text})

    assert before != digest({BLOCK: text, LAYERS: OTHER_TWICE})


def test_packages_that_measure_nothing_do_not_matter(digest):
    text = "from suite import spec\n\n\ndef run(x):\n    return spec.LIMIT * x\n"

    assert digest({BLOCK: text}) == digest({BLOCK: text, "suite/spec/__init__.py": "LIMIT = 2\n"})


def test_the_order_of_modules_does_not_matter():
    modules = ["suite.nn.blocks.c3", "suite.jobs.train"]

    assert sources.code_digest(modules) == sources.code_digest(modules[::-1])


def test_a_training_depends_on_the_loop_and_not_on_the_second_counters():
    def reached(module):
        found, waiting = set(), [module]
        while waiting:
            name = waiting.pop()
            if name not in found and sources._is_measuring(name) and sources._file(name):
                found.add(name)
                waiting += sources._imports(name)
        return found

    assert {
        "suite.train.loop",
        "suite.metrics.accuracy.detections",
        "suite.datasets.loading.loader",
    } <= reached("suite.jobs.train")
    assert "suite.metrics.audit" not in reached("suite.jobs.train")
