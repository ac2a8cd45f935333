"""Files in, pictures out: what is handled, and what is refused in one line."""

import os
import struct
import zlib
from hashlib import sha256
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as PillowImage

from rldf.errors import ImageError
from rldf.perception import reading
from rldf.perception.reading import list_image_files, read_image

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)


def corner_picture() -> PillowImage.Image:
    """Red in the upper left corner, blue elsewhere; 40 x 20 px."""
    picture = PillowImage.new("RGB", (40, 20), BLUE)
    picture.paste(RED, (0, 0, 10, 10))
    return picture


def save(picture: PillowImage.Image, path: Path, **options: object) -> Path:
    picture.save(path, **options)  # type: ignore[arg-type]  # Pillow types its options per format
    return path


def test_read_image__plain_rgb_comes_back_exactly(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (7, 5, 3), dtype=np.uint8)
    path = save(PillowImage.fromarray(pixels), tmp_path / "a.png")
    read = read_image(path)
    np.testing.assert_array_equal(read.image, pixels)
    assert read.notes == ()
    assert read.sha256 == sha256(path.read_bytes()).hexdigest()
    assert read.image.flags.writeable


@pytest.mark.parametrize(
    ("orientation", "shape", "corner"),
    [
        (1, (20, 40), (0, 0)),
        (2, (20, 40), (0, -1)),
        (3, (20, 40), (-1, -1)),
        (4, (20, 40), (-1, 0)),
        (5, (40, 20), (0, 0)),
        (6, (40, 20), (0, -1)),
        (7, (40, 20), (-1, -1)),
        (8, (40, 20), (-1, 0)),
    ],
)
def test_read_image__turned_upright_by_exif(
    tmp_path: Path, orientation: int, shape: tuple[int, int], corner: tuple[int, int]
) -> None:
    picture = corner_picture()
    exif = PillowImage.Exif()
    exif[0x0112] = orientation
    read = read_image(save(picture, tmp_path / "a.png", exif=exif))
    assert read.image.shape[:2] == shape
    assert tuple(read.image[corner]) == RED
    assert any("EXIF" in note for note in read.notes) == (orientation != 1)


@pytest.mark.parametrize(
    "exif",
    [
        b"Exif\0\0XX\0*\0\0\0\x08",
        b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12\x00\x03\xff\xff",
        b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x02\0\0\0\x01abcd",
    ],
)
def test_read_image__damaged_exif_turns_nothing(tmp_path: Path, exif: bytes) -> None:
    read = read_image(save(corner_picture(), tmp_path / "a.jpg", exif=exif))
    assert read.image.shape == (20, 40, 3)
    assert read.notes == ()


def test_read_image__transparency_over_white(tmp_path: Path) -> None:
    pixels = np.zeros((2, 2, 4), dtype=np.uint8)
    pixels[0, 0] = (255, 0, 0, 255)
    pixels[0, 1] = (0, 0, 0, 128)
    read = read_image(save(PillowImage.fromarray(pixels), tmp_path / "a.png"))
    np.testing.assert_array_equal(read.image[0, 0], RED)
    np.testing.assert_allclose(read.image[0, 1].astype(int), 127, atol=1)
    np.testing.assert_array_equal(read.image[1], 255)
    assert read.notes == ("transparent parts were laid over white",)


def test_read_image__opaque_alpha_needs_no_note(tmp_path: Path) -> None:
    read = read_image(save(corner_picture().convert("RGBA"), tmp_path / "a.png"))
    np.testing.assert_array_equal(read.image, np.asarray(corner_picture()))
    assert read.notes == ()


@pytest.mark.parametrize("mode", ["P", "L", "1", "LA"])
def test_read_image__palette_and_grey_as_their_colours(tmp_path: Path, mode: str) -> None:
    picture = corner_picture().convert(mode)
    read = read_image(save(picture, tmp_path / "a.png"))
    np.testing.assert_array_equal(read.image, np.asarray(picture.convert("RGB")))


def test_read_image__transparent_palette_colour_over_white(tmp_path: Path) -> None:
    picture = PillowImage.new("P", (4, 4), 1)
    picture.putpalette([10, 20, 30, 40, 50, 60])
    picture.putpixel((0, 0), 0)
    read = read_image(save(picture, tmp_path / "a.png", transparency=1))
    np.testing.assert_array_equal(read.image[0, 0], (10, 20, 30))
    np.testing.assert_array_equal(read.image[3, 3], (255, 255, 255))


def test_read_image__sixteen_bits_keep_their_share_of_the_range(tmp_path: Path) -> None:
    values = np.array([[0, 257, 32896, 65535]], dtype=np.uint16)
    read = read_image(save(PillowImage.fromarray(values), tmp_path / "a.png"))
    np.testing.assert_array_equal(read.image[0, :, 0], [0, 1, 128, 255])
    assert read.notes == ("reduced from 16 bits to 8",)


def test_read_image__dark_sixteen_bits_stay_dark(tmp_path: Path) -> None:
    values = np.full((2, 2), 2570, dtype=np.uint16)
    read = read_image(save(PillowImage.fromarray(values), tmp_path / "a.tif"))
    np.testing.assert_array_equal(read.image, 10)


def test_read_image__floats_by_their_range(tmp_path: Path) -> None:
    fractions = read_image(save(PillowImage.fromarray(np.array([[0.0, 0.2, 1.0]], np.float32)), tmp_path / "a.tif"))
    np.testing.assert_array_equal(fractions.image[0, :, 0], [0, 51, 255])
    heights = read_image(save(PillowImage.fromarray(np.array([[-100.0, 0.0, 300.0]], np.float32)), tmp_path / "b.tif"))
    np.testing.assert_array_equal(heights.image[0, :, 0], [0, 64, 255])
    assert heights.notes == ("its values from -100 to 300 were stretched to 8 bits",)


def test_read_image__cmyk_with_a_note(tmp_path: Path) -> None:
    picture = PillowImage.new("CMYK", (8, 8), (0, 255, 255, 0))
    read = read_image(save(picture, tmp_path / "a.jpg", quality=100))
    np.testing.assert_allclose(read.image.astype(int), np.full((8, 8, 3), RED), atol=3)
    assert read.notes == ("converted from CMYK without a colour profile",)


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "tif"])
def test_read_image__first_picture_of_several(tmp_path: Path, suffix: str) -> None:
    first, second = PillowImage.new("RGB", (6, 6), RED), PillowImage.new("RGB", (6, 6), GREEN)
    path = save(first, tmp_path / f"a.{suffix}", save_all=True, append_images=[second])
    read = read_image(path)
    np.testing.assert_allclose(read.image.astype(int), np.full((6, 6, 3), RED), atol=3)
    assert read.notes == ("the file holds 2 pictures; only the first is read",)


def test_read_image__long_sides_are_scaled_down(tmp_path: Path) -> None:
    read = read_image(save(PillowImage.new("RGB", (8192, 16), RED), tmp_path / "a.png"))
    assert read.image.shape == (8, 4096, 3)
    assert read.notes == ("scaled down from 8192 x 16 px to 4096 x 8 px",)


def test_read_image__decompression_bomb_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png_header(20_000, 20_000))
    with pytest.raises(ImageError, match=r"bomb\.png' is too large .*at most 100 megapixels.*Scale it down"):
        read_image(path)
    path.write_bytes(png_header(11_000, 11_000))
    with pytest.raises(ImageError, match=r"too large \(11000 x 11000 px\)"):
        read_image(path)


def png_header(width: int, height: int) -> bytes:
    """A PNG file that promises a large picture in a few bytes."""
    out = b"\x89PNG\r\n\x1a\n"
    for name, body in (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)),
        (b"IDAT", zlib.compress(bytes(1000))),
        (b"IEND", b""),
    ):
        out += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return out


def test_read_image__huge_file_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = save(corner_picture(), tmp_path / "a.png")
    monkeypatch.setattr(reading, "MAX_FILE_BYTES", 10)
    with pytest.raises(ImageError, match=r"is too large .* MB"):
        read_image(path)


def test_read_image__missing_file_suggests_a_sibling(tmp_path: Path) -> None:
    save(corner_picture(), tmp_path / "photo.jpg")
    with pytest.raises(ImageError, match=r"there is no file '.*phto\.jpg'.*Did you mean 'photo\.jpg'\?"):
        read_image(tmp_path / "phto.jpg")


def test_read_image__folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"is a folder; one picture is needed\. Give a file inside it"):
        read_image(tmp_path)


def test_read_image__zero_bytes_are_refused(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    with pytest.raises(ImageError, match=r"is empty \(0 bytes\), not an image\. Give a picture"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("content", [b"hello\n", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", b"\0" * 99])
def test_read_image__not_an_image_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.png").write_bytes(content)
    with pytest.raises(ImageError, match=r"a\.png' is not an image that can be read; Give a picture such as PNG"):
        read_image(tmp_path / "a.png")


@pytest.mark.parametrize("suffix", ["png", "jpg", "webp", "bmp", "gif"])
def test_read_image__truncated_image_is_refused(tmp_path: Path, suffix: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    path = save(PillowImage.fromarray(noise), tmp_path / f"a.{suffix}")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(ImageError, match=rf"a\.{suffix}' is (a truncated or damaged|not an) image") as caught:
        read_image(path)
    assert "\n" not in str(caught.value)


def test_read_image__unreadable_path_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match=r"cannot be read: File name too long\. Check the path and its permissions"):
        read_image(tmp_path / ("x" * 300))
    with pytest.raises(ImageError, match=r"(cannot be read: embedded null byte|there is no file)"):
        read_image("a\0b.png")


def test_read_image__pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    with pytest.raises(ImageError, match="is no regular file; one picture is needed"):
        read_image(tmp_path / "pipe.png")


@settings(deadline=None)
@given(st.integers(0, 2**32 - 1), st.integers(1, 60))
def test_read_image__damaged_bytes_give_a_picture_or_one_line(seed: int, num_changes: int) -> None:
    rng = np.random.default_rng(seed)
    stream = BytesIO()
    corner_picture().save(stream, format=("PNG", "JPEG", "GIF", "WEBP", "TIFF")[seed % 5])
    content = bytearray(stream.getvalue())
    for position in rng.integers(0, len(content), num_changes):
        content[position] = int(rng.integers(256))
    path = Path(os.environ["XDG_CACHE_HOME"]) / "damaged"
    path.write_bytes(bytes(content))
    try:
        assert read_image(path).image.ndim == 3
    except ImageError as error:
        assert "\n" not in str(error)  # noqa: PT017  (either ending is right)


def test_list_image_files__by_suffix_in_order_of_names(tmp_path: Path) -> None:
    for name in ("b.JPG", "a.png", "c.webp", ".hidden.png", "notes.txt", "d.csv"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "folder.png").mkdir()
    assert [path.name for path in list_image_files(tmp_path)] == ["a.png", "b.JPG", "c.webp"]


def test_list_image_files__refuses_what_is_no_folder_of_pictures(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    with pytest.raises(ImageError, match=r"there is no folder .*Did you mean 'photos'\?"):
        list_image_files(tmp_path / "photo")
    with pytest.raises(ImageError, match=r"holds no picture; files ending in .*Give another folder"):
        list_image_files(tmp_path / "photos")
    (tmp_path / "a.png").touch()
    with pytest.raises(ImageError, match=r"a\.png' is a file; a folder of pictures is needed"):
        list_image_files(tmp_path / "a.png")
