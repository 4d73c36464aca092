"""Files as nobody should send them, each with a clear result."""

from __future__ import annotations

import csv
import gzip
from datetime import date
from pathlib import Path

import pytest

from mlops.data_pipeline.errors import UnreadableInput, UnsupportedFormat
from mlops.data_pipeline.reading import ColumnSpec, ReadOptions, Snapshot, raw_lines, scan_snapshot, take_snapshot

COLUMNS = {"a": ColumnSpec(type="integer"), "b": ColumnSpec(type="float"), "d": ColumnSpec(type="date")}


def read(folder: Path, content: bytes, *, name: str = "input.csv", **options: object) -> Snapshot:
    (folder / name).write_bytes(content)
    return take_snapshot(folder / name, folder / "out.parquet", columns=COLUMNS, options=ReadOptions(**options))


def rows(snapshot: Snapshot) -> list[tuple[object, ...]]:
    return scan_snapshot(snapshot).drop("__row__").collect().rows()


def faults(snapshot: Snapshot) -> list[str | None]:
    return scan_snapshot(snapshot).collect()["__fault__"].to_list()


def test_sound_file_has_no_further_columns(tmp_path: Path) -> None:
    """A file without faults gives its columns, typed, and the number of each row."""
    snapshot = read(tmp_path, b"a,b,c\n1,2.5,x\n2,3,y\n")
    assert scan_snapshot(snapshot).collect().columns == ["__row__", "a", "b", "c"]
    assert rows(snapshot) == [(1, 2.5, "x"), (2, 3.0, "y")]
    assert snapshot.types == {"a": "integer", "b": "float", "c": "string"}


def test_ragged_rows_are_marked_and_none_is_lost(tmp_path: Path) -> None:
    """Rows with too few and too many cells are null throughout and named; blank lines are no rows."""
    snapshot = read(tmp_path, b"a,b,c\n1,2,x\n2,3\n3,4,y,z\n\n4,5,z\n")
    assert faults(snapshot) == [None, "ragged", "ragged", None]
    assert snapshot.faults == {"ragged": 2}
    assert raw_lines(snapshot, [1, 3]) == {1: (3, "2,3"), 3: (6, "4,5,z")}
    assert "line 3" in snapshot.notes[0]


def test_first_row_that_is_short_is_found(tmp_path: Path) -> None:
    """The first row below the header may be the ragged one."""
    assert faults(read(tmp_path, b"a,b,c\n1,2\n2,3,x\n")) == ["ragged", None]


def test_one_short_and_one_long_row_do_not_cancel_out(tmp_path: Path) -> None:
    """As many separators as a sound file has prove nothing when one row lacks what another has too many."""
    assert faults(read(tmp_path, b"a,b,c\n1,2\n1,2,3,4\n")) == ["ragged", "ragged"]


def test_nul_byte_marks_its_row(tmp_path: Path) -> None:
    """A NUL byte breaks the row that it stands in, and no other."""
    assert faults(read(tmp_path, b"a,b,c\n1,2,x\0y\n2,3,x\n")) == ["nul", None]


def test_undecodable_bytes_mark_their_row(tmp_path: Path) -> None:
    """Bytes that are no UTF-8 break their row when the rest of the file is UTF-8; its text shows the bytes."""
    snapshot = read(tmp_path, "a,b,c\n1,2,Zürich\n".encode() + "2,3,Genève\n".encode("cp1252"))
    assert faults(snapshot) == [None, "encoding"]
    assert raw_lines(snapshot, [1]) == {1: (3, "2,3,Gen\\xe8ve")}


def test_file_in_another_encoding_is_read_as_such(tmp_path: Path) -> None:
    """A file whose bytes beyond ASCII all are letters of cp1252 is read as cp1252, and a note says so."""
    snapshot = read(tmp_path, "a,b,größe\n1,2,Zürich\n2,3,Genève\n".encode("cp1252"))
    assert rows(snapshot) == [(1, 2.0, "Zürich"), (2, 3.0, "Genève")]
    assert snapshot.dialect is not None
    assert snapshot.dialect.encoding == "cp1252"
    assert "cp1252" in snapshot.notes[0]


def test_declared_encoding_is_kept_to(tmp_path: Path) -> None:
    """With a declared encoding nothing is guessed, and what it does not know marks the row."""
    snapshot = read(tmp_path, b"a,b,c\n1,2,x\x81\n2,3,\xfc\n", encoding="cp1252")
    assert faults(snapshot) == ["encoding", None]
    assert rows(snapshot)[1] == (2, 3.0, "ü", None)


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32"])
def test_unicode_with_and_without_mark(tmp_path: Path, encoding: str) -> None:
    """Every form of Unicode is found out, with a byte order mark or, for UTF-16, without."""
    snapshot = read(tmp_path, "a,b,c\n1,2,Zürich\n2,3,x\n".encode(encoding))
    assert rows(snapshot) == [(1, 2.0, "Zürich"), (2, 3.0, "x")]


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
def test_separator_is_found_out(tmp_path: Path, separator: str) -> None:
    """The four usual separators are told apart by the first lines."""
    snapshot = read(tmp_path, "a,b,c\n1,2,x\n2,3,y\n".replace(",", separator).encode())
    assert rows(snapshot) == [(1, 2.0, "x"), (2, 3.0, "y")]


def test_wrong_separator_in_a_line_marks_it(tmp_path: Path) -> None:
    """A line that is separated otherwise than the file is ragged."""
    snapshot = read(tmp_path, b"a;b;c\n1;2;x\n2,3,y\n")
    assert faults(snapshot) == [None, "ragged"]


def test_decimal_comma(tmp_path: Path) -> None:
    """With a decimal comma `1,5` is a number, and `1.5` is none."""
    snapshot = read(tmp_path, b"a;b\n1;2,5\n2;2.5\n", decimal_comma=True)
    assert rows(snapshot) == [(1, 2.5, None), (2, None, "2.5")]


@pytest.mark.parametrize("newline", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("last", ["", "\n"])
def test_line_ends(tmp_path: Path, newline: str, last: str) -> None:
    """Line ends of all systems are understood, the last one may be missing."""
    snapshot = read(tmp_path, ("a,b,c\n1,2,x\n2,3,y" + last).replace("\n", newline).encode())
    assert rows(snapshot) == [(1, 2.0, "x"), (2, 3.0, "y")]


@pytest.mark.parametrize("content", [b"a,b,c", b"a,b,c\n", b"a,b,c\n\n"])
def test_header_only_is_a_table_without_rows(tmp_path: Path, content: bytes) -> None:
    """A header alone is a table of no rows."""
    snapshot = read(tmp_path, content)
    assert (snapshot.rows, snapshot.columns, rows(snapshot)) == (0, ("a", "b", "c"), [])


@pytest.mark.parametrize("content", [b"", b"\n\n", b"\xef\xbb\xbf"])
def test_empty_file_is_refused(tmp_path: Path, content: bytes) -> None:
    """A file without a header is refused as empty, and nothing is left behind."""
    with pytest.raises(UnreadableInput, match="empty"):
        read(tmp_path, content)
    assert [path.name for path in tmp_path.iterdir()] == ["input.csv"]


def test_duplicate_headers_are_refused(tmp_path: Path) -> None:
    """A name that stands twice is refused with its places."""
    with pytest.raises(UnreadableInput, match=r"line 1, column 'a'.*columns 1, 3"):
        read(tmp_path, b"a,b,a\n1,2,3\n")


def test_reserved_header_is_refused(tmp_path: Path) -> None:
    """Names of the snapshot's own columns are refused."""
    with pytest.raises(UnreadableInput, match="two underscores"):
        read(tmp_path, b"a,__row__\n1,2\n")


def test_unnamed_column_is_given_a_name(tmp_path: Path) -> None:
    """A header that ends in a separator has one more column, named by its place."""
    assert read(tmp_path, b"a,b,\n1,2,\n").columns == ("a", "b", "column_3")


def test_open_quote_costs_one_row(tmp_path: Path) -> None:
    """A quote that is never closed breaks the line that it opens on and swallows nothing."""
    snapshot = read(tmp_path, b'a,b,c\n1,2,"x\n2,3,y\n3,4,z\n')
    assert faults(snapshot) == ["quotes", None, None]


def test_open_quote_before_a_quoted_cell_costs_one_row(tmp_path: Path) -> None:
    """The next quoted cell is not taken for the end of an open one."""
    snapshot = read(tmp_path, b'a,b,c\n1,2,"x\n2,3,y\n3,4,"z"\n4,5,w\n')
    assert faults(snapshot) == ["quotes", None, None, None]
    assert raw_lines(snapshot, [0, 2]) == {0: (2, '1,2,"x'), 2: (4, '3,4,"z"')}


def test_quotes_within_a_cell_are_text(tmp_path: Path) -> None:
    """A quote that does not begin its cell is a character like others."""
    snapshot = read(tmp_path, b'a,b,c\n1,2,5" needle\n2,3,"say ""x"""\n')
    assert [row[2] for row in rows(snapshot)] == ['5" needle', 'say "x"']


def test_line_breaks_in_quotes_keep_lines_counted(tmp_path: Path) -> None:
    """A cell over two lines is one cell, and the lines after it keep their numbers."""
    snapshot = read(tmp_path, b'a,b,c\r\n1,2,"x\r\ny"\r\n2,3\r\n')
    assert rows(snapshot)[0][2] == "x\r\ny"
    assert raw_lines(snapshot, [0, 1]) == {0: (2, '1,2,"x\r\ny"'), 1: (4, "2,3")}


def test_cell_of_ten_megabytes(tmp_path: Path) -> None:
    """A huge cell is read whole, also where other rows are broken."""
    huge = b"x" * 10_000_000
    snapshot = read(tmp_path, b'a,b,c\n1,2,"' + huge + b'"\n2,3\n')
    assert faults(snapshot) == [None, "ragged"]
    assert len(str(rows(snapshot)[0][2])) == 10_000_000


def test_cell_of_ten_megabytes_without_quotes(tmp_path: Path) -> None:
    """Finding the separator reads the first lines, however long, in a process that read no table before."""
    csv.field_size_limit(131_072)
    snapshot = read(tmp_path, b"a,b,c\n1,2," + b"x" * 10_000_000 + b"\n2,3,y\n")
    assert [len(str(row[2])) for row in rows(snapshot)] == [10_000_000, 1]


def test_five_thousand_columns(tmp_path: Path) -> None:
    """A table may be wider than long."""
    header = ",".join(f"c{number}" for number in range(5000))
    snapshot = read(tmp_path, f"{header}\n{','.join(['1'] * 5000)}\n".encode())
    assert (snapshot.rows, len(snapshot.columns)) == (1, 5000)


def test_dates_in_three_formats(tmp_path: Path) -> None:
    """Without a format only ISO dates are read; the others keep their text."""
    snapshot = read(tmp_path, b"a,d\n1,2024-01-05\n2,05.01.2024\n3,01/05/24\n")
    assert rows(snapshot) == [(1, date(2024, 1, 5), None), (2, None, "05.01.2024"), (3, None, "01/05/24")]
    assert snapshot.raw_columns == ("d",)


def test_formula_cells_are_text(tmp_path: Path) -> None:
    """What a spreadsheet would compute is kept as it stands."""
    assert [row[1] for row in rows(read(tmp_path, b"a,c\n1,=CMD()\n2,@SUM(A1)\n"))] == ["=CMD()", "@SUM(A1)"]


def test_words_for_nothing(tmp_path: Path) -> None:
    """The usual words for a missing value are null, also in quotes, and never a fault."""
    snapshot = read(tmp_path, b'a,b,c\nNA,N/A,null\n"",None,NaN\n')
    assert rows(snapshot) == [(None, None, None), (None, None, None)]


def test_own_words_for_nothing(tmp_path: Path) -> None:
    """With own words for a missing value the usual ones are text."""
    snapshot = read(tmp_path, b"a,c\n-999,NA\n", null_values=("-999",))
    assert rows(snapshot) == [(None, "NA")]


def test_cut_gzip_is_refused(tmp_path: Path) -> None:
    """A compressed file that ends early is refused, not read in part."""
    packed = gzip.compress(b"a,b\n" + b"1,2\n" * 500_000, mtime=0)
    with pytest.raises(UnreadableInput, match="gzip"):
        read(tmp_path, packed[:-20], name="input.csv.gz")


def test_gzip_is_read_whatever_its_name(tmp_path: Path) -> None:
    """Compression is told by the bytes, and the digest is of the compressed file."""
    snapshot = read(tmp_path, gzip.compress(b"a,b\n1,2\n"), name="input.csv")
    assert rows(snapshot) == [(1, 2.0)]
    assert raw_lines(snapshot, [0]) == {0: (2, "1,2")}


def test_other_files_are_refused(tmp_path: Path) -> None:
    """A picture is no table, and a folder no file."""
    with pytest.raises(UnsupportedFormat, match="picture"):
        read(tmp_path, b"\x89PNG\r\n\x1a\n")
    with pytest.raises(UnreadableInput, match="folder"):
        take_snapshot(tmp_path, tmp_path / "out.parquet")


def test_unknown_columns_become_numbers_only_where_all_cells_are(tmp_path: Path) -> None:
    """An unknown column is a number when every cell is one; leading zeros make an identifier."""
    snapshot = read(tmp_path, b"a,x,y,z,w\n1,007,1,1.5,true\n2,1,2,n,false\n")
    assert {name: snapshot.types[name] for name in "xyzw"} == {
        "x": "string", "y": "integer", "z": "string", "w": "boolean",
    }  # fmt: skip
    assert read(tmp_path, b"a,y\n1,1\n", infer_unknown=False).types["y"] == "string"


def test_barcodes_too_long_for_a_number_stay_text(tmp_path: Path) -> None:
    """Two of them would be one as floats; whole numbers that are exact are numbers."""
    (tmp_path / "in.csv").write_text("code,n\n12345678901234567890,9007199254740993\n12345678901234567891,1\n")
    table = scan_snapshot(take_snapshot(tmp_path / "in.csv", tmp_path / "out.parquet")).collect()
    assert table["code"].to_list() == ["12345678901234567890", "12345678901234567891"]
    assert table["n"].to_list() == [9007199254740993, 1]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("last", ["A2;S2", "A2;S2;x"])
def test_lines_above_the_header_are_left_out(tmp_path: Path, encoding: str, last: str) -> None:
    """What an instrument says of itself is no header and no row, and lines are counted with it."""
    text = f'Instrument;"QS5, lab 2\nRun date,03.11.2026\n\nwell;sample\nA1;S1\n{last}\n'
    (tmp_path / "in.csv").write_bytes(text.encode(encoding))
    options = ReadOptions(header_line=3)
    snapshot = take_snapshot(tmp_path / "in.csv", tmp_path / "out.parquet", options=options)
    assert (snapshot.columns, snapshot.rows) == (("well", "sample"), 2)
    assert raw_lines(snapshot, [0, 1]) == {0: (5, "A1;S1"), 1: (6, last)}


def test_a_header_below_the_file_is_refused(tmp_path: Path) -> None:
    """There is nothing to be read."""
    (tmp_path / "in.csv").write_text("a,b\n1,2\n")
    with pytest.raises(UnreadableInput, match="nothing on line 9 or below"):
        take_snapshot(tmp_path / "in.csv", tmp_path / "out.parquet", options=ReadOptions(header_line=9))


def test_cell_far_below_that_fits_nothing_of_the_sample(tmp_path: Path) -> None:
    """Cells that no sample saw change how their column is read, and nothing else."""
    many = b"".join(b"%d,1.5,%d\n" % (number, number) for number in range(300_000))
    halves = many[: len(many) // 2].rpartition(b"\n")[0] + b"\n", many[len(many) // 2 :].partition(b"\n")[2]
    snapshot = read(tmp_path, b"a,b,u\n" + halves[0] + b"x,oops,word\n 7 ,8.0,9\n" + halves[1])
    table = scan_snapshot(snapshot).collect()
    assert table.filter(table["__raw__a"].is_not_null())["__raw__a"].to_list() == ["x"]
    assert table["__raw__b"].drop_nulls().to_list() == ["oops"]
    assert snapshot.types["u"] == "string"
    assert table["a"].null_count() == 1


def test_stopping_publishes_nothing(tmp_path: Path) -> None:
    """Whoever stops the reading finds no file and no rest of one."""

    def stop() -> None:
        raise KeyboardInterrupt

    (tmp_path / "input.csv").write_bytes(b"a,b\n" + b"1,2\n" * 100_000)
    with pytest.raises(KeyboardInterrupt):
        take_snapshot(tmp_path / "input.csv", tmp_path / "out.parquet", cancelled=stop)
    assert [path.name for path in tmp_path.iterdir()] == ["input.csv"]


def test_progress_ends_at_the_whole(tmp_path: Path) -> None:
    """Progress is told in bytes, up to all of them."""
    told: list[tuple[int, int]] = []
    (tmp_path / "input.csv").write_bytes(b"a,b\n" + b"1,2\n" * 300_000)
    take_snapshot(tmp_path / "input.csv", tmp_path / "out.parquet", progress=lambda *both: told.append(both))
    assert told[-1] == (1_200_004, 1_200_004)
    assert told == sorted(told)
