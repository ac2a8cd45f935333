"""Tar archives in the form WebDataset reads, equal to the byte for equal content."""

import tarfile
from collections.abc import Iterator, Mapping
from io import BytesIO

from rldf.errors import RecordError


def pack(files: Mapping[str, bytes]) -> bytes:
    """Packs files into a tar archive.

    Names are sorted; times, owners and modes are fixed, so equal content gives equal bytes on every machine.

    Args:
        files: name to content; members of one sample share the part before the first dot.

    Returns:
        The archive.
    """
    buffer = BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        for name in sorted(files):
            member = tarfile.TarInfo(name)
            member.size = len(files[name])
            member.mode = 0o644
            archive.addfile(member, BytesIO(files[name]))
    return buffer.getvalue()


def unpack(data: bytes, *, name: str) -> Iterator[tuple[str, bytes]]:
    """Reads a tar archive, member by member.

    Args:
        data: the archive.
        name: of the archive, for the message.

    Yields:
        Name and content of each member.

    Raises:
        RecordError: if it is damaged or truncated.
    """
    try:
        with tarfile.open(fileobj=BytesIO(data), mode="r:") as archive:
            for member in archive:
                stream = archive.extractfile(member)
                content = b"" if stream is None else stream.read()
                yield member.name, content
    except (tarfile.TarError, OSError, EOFError) as error:
        raise RecordError(
            f"the archive '{name}' is damaged ({error}); it must be whole. `rldf clone repair` removes it, and "
            "`rldf clone run` makes it again."
        ) from error
