"""What is public: `__all__` says it, and says it all."""

from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest

PACKAGE = Path(__file__).parents[2] / "src/rldf"
PACKAGES = sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py"))
EVERY_MODULE = sorted(
    ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    for path in PACKAGE.rglob("*.py")
)


@pytest.mark.parametrize("name", PACKAGES)
def test_package__lists_exactly_its_public_members(name: str) -> None:
    package = import_module(f"rldf.{name}")
    public = {
        member
        for member, value in vars(package).items()
        if not member.startswith("_") and not isinstance(value, ModuleType)
    }
    assert set(getattr(package, "__all__", ())) == public


def test_root__loads_every_name_it_lists() -> None:
    root = import_module("rldf")
    assert sorted(root.__all__) == sorted(set(root.__all__))
    for name in root.__all__:
        assert getattr(root, name) is not None


@pytest.mark.parametrize("name", EVERY_MODULE)
def test_module__lists_only_names_it_has(name: str) -> None:
    module = import_module(name)
    assert module.__doc__
    assert [member for member in getattr(module, "__all__", ()) if not hasattr(module, member)] == []
