"""A folder of class folders, as a list: nothing in it makes the listing fail, nothing is passed over in silence."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from rldf.errors import ImageError
from rldf.perception.reading import SUFFIXES

_SPLIT_NAMES = frozenset({"train", "validation", "val", "test"})
_IGNORED_NAMES = frozenset({".DS_Store", "Thumbs.db", "desktop.ini"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ClassFolder:
    """The pictures of a folder, by class.

    Attributes:
        folder: the folder.
        class_names: in order of name; one empty name where the pictures lie in the folder itself.
        files: class name to its picture files, in order of name.
        passed_over: what lies there and is no picture by its name, and why, one pair each.
    """

    folder: Path
    class_names: tuple[str, ...]
    files: Mapping[str, tuple[Path, ...]]
    passed_over: tuple[tuple[str, str], ...]

    def all_files(self) -> list[Path]:
        """All picture files, class by class."""
        return [path for name in self.class_names for path in self.files[name]]

    def only(self, class_names: Iterable[str]) -> "ClassFolder":
        """Keeps some classes.

        Args:
            class_names: which.

        Returns:
            The same folder with fewer classes.

        Raises:
            ImageError: if none of them is there.
        """
        kept = [name for name in self.class_names if name in set(class_names)]
        if not kept:
            raise ImageError(
                f"'{self.folder}' has none of the classes wanted; it has {', '.join(self.class_names[:5])}. "
                "Give folders with classes of the same names."
            )
        return ClassFolder(
            folder=self.folder,
            class_names=tuple(kept),
            files={name: self.files[name] for name in kept},
            passed_over=self.passed_over,
        )


def read_class_folder(folder: str | Path) -> ClassFolder:
    """Lists the pictures of a folder of class folders, at any depth below a class; or of one folder of pictures.

    Links to folders are not followed, so no loop can occur. Nothing is opened.

    Args:
        folder: one sub-folder per class, or pictures only.

    Returns:
        The list.

    Raises:
        ImageError: if there is no such folder, no picture in it, or its folders are splits, not classes.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise ImageError(f"there is no folder '{show_path(folder)}'; a folder of class folders is needed. Check it.")
    passed_over: list[tuple[str, str]] = []
    files: dict[str, tuple[Path, ...]] = {}
    loose: list[Path] = []
    for entry in _listed(folder, passed_over):
        if entry.is_dir(follow_symlinks=False):
            found = tuple(sorted(_pictures_below(Path(entry.path), passed_over)))
            if found:
                files[show_path(Path(entry.name))] = found
            else:
                passed_over.append((show_path(Path(entry.path)), "a class folder without a picture"))
        elif _is_picture(entry, passed_over):
            loose.append(Path(entry.path))
    _require_classes(folder, files)
    if files:
        passed_over.extend((show_path(path), "a picture outside the class folders") for path in sorted(loose))
    elif loose:
        files[""] = tuple(sorted(loose))
    else:
        raise ImageError(
            f"the folder '{show_path(folder)}' holds no picture; it needs class folders with files ending in "
            f"{', '.join(sorted(SUFFIXES))}. Give another folder."
        )
    return ClassFolder(
        folder=folder, class_names=tuple(sorted(files)), files=files, passed_over=tuple(sorted(passed_over))
    )


def _require_classes(folder: Path, files: Mapping[str, tuple[Path, ...]]) -> None:
    """Refuses the root of a data set, whose sub-folders are splits; one class that is named so may hold pictures."""
    if not files or not {name.lower() for name in files} <= _SPLIT_NAMES:
        return
    names = sorted(files)
    if len(names) == 1 and any(path.parent == folder / names[0] for path in files[names[0]]):
        return
    best = next((name for name in names if name.lower() == "train"), names[0])
    raise ImageError(
        f"the folders in '{show_path(folder)}' are named {', '.join(names)}: those are splits of a data set, and "
        f"folders of classes are needed. Give one of the splits, such as '{show_path(folder / best)}'."
    )


def show_path(path: Path) -> str:
    """Writes a path as text that every encoding can hold; bytes that are no text become backslash escapes."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def _pictures_below(folder: Path, passed_over: list[tuple[str, str]]) -> Iterable[Path]:
    waiting = [folder]
    while waiting:
        for entry in _listed(waiting.pop(), passed_over):
            if entry.is_dir(follow_symlinks=False):
                waiting.append(Path(entry.path))
            elif _is_picture(entry, passed_over):
                yield Path(entry.path)


def _listed(folder: Path, passed_over: list[tuple[str, str]]) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: os.fsencode(entry.name))
    except OSError as error:
        passed_over.append((show_path(folder), f"the folder cannot be listed: {error.strerror}"))
        return []


def _is_picture(entry: os.DirEntry[str], passed_over: list[tuple[str, str]]) -> bool:
    """Tells a picture by its name; everything else is noted, but for what systems leave behind."""
    if Path(entry.name).suffix.lower() in SUFFIXES and not entry.name.startswith("."):
        return True
    if entry.name not in _IGNORED_NAMES:
        passed_over.append((show_path(Path(entry.path)), "no picture by its name"))
    return False
