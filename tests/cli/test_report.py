"""`mscat report` as it is typed."""

from tests.report.mock_run import trained, write_sample


def test_writes_one_file_and_says_where(mscat, tmp_path):
    trained(tmp_path / "runs" / "one", write_sample(tmp_path / "sample"))
    status, text, _ = mscat("report", "runs/one")
    page = tmp_path / "runs" / "one" / "report.html"
    assert status == 0
    assert text.startswith(f"runs/one/report.html: {page.stat().st_size / 1e6:.1f} MB")
    assert mscat("report", "runs/one", "--out", "talk/page.html", "--events", "0")[0] == 0
    assert (tmp_path / "talk" / "page.html").read_text(encoding="utf-8").startswith("<!DOCTYPE html>")


def test_what_is_no_run_is_named(mscat):
    status, _, complaint = mscat("report", "runs/none")
    assert status == 2
    assert complaint.startswith("mscat: runs/none: no run here")
