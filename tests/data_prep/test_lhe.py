"""Les Houches files: reading in blocks, faults in one sentence, and the whole way to a shard."""

import gzip

import numpy as np
import pylhe
import pytest

from data_prep import shard
from data_prep.generator import Generator
from data_prep.lhe import LheFiles, summary
from data_prep.run import generate
from data_prep.shard import ShardJob, make_shard
from data_prep.sources import open_source
from mscat_tf.data import Sample
from mscat_tf.data.splits import assign_splits
from mscat_tf.errors import ConfigError, GenerationError, InputError
from tests.data_prep.conftest import QUICK, quick_settings

BANNER = "<header>\nif (a < b) && (c > d) { this is no XML }\n</header>\n"


def write_lhe(path, events=12, energy=7000.0, strategy=3, cross_section=2.5, weight=1.0, seed=1):
    """Events `g g -> b bbar` at 90 degrees of growing momentum, with leading-colour lines."""
    rng = np.random.default_rng(seed)
    lines = [f'<LesHouchesEvents version="1.0">\n{BANNER}<init>\n2212 2212 {energy} {energy} 0 0 0 0 {strategy} 1\n']
    lines.append(f"{cross_section} 0.1 1.0 1\n</init>\n")
    for number in range(events):
        energy, angle = 600.0 + 10.0 * number, rng.uniform(-np.pi, np.pi)
        momentum = np.sqrt(energy**2 - 4.8**2)
        x, y = momentum * np.cos(angle), momentum * np.sin(angle)
        lines.append(
            f"<event>\n4 1 {weight} {energy} -1 0.1\n"
            f"21 -1 0 0 501 502 0 0 {energy} {energy} 0 0 9\n21 -1 0 0 502 503 0 0 {-energy} {energy} 0 0 9\n"
            f"5 1 1 2 501 0 {x} {y} 0 {energy} 4.8 0 9\n-5 1 1 2 0 503 {-x} {-y} 0 {energy} 4.8 0 9\n</event>\n"
        )
    text = "".join([*lines, "</LesHouchesEvents>\n"])
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return str(path)


def energies(files, start, count):
    return [event.particles[2].e for (_, event), _ in zip(files.events(start), range(count), strict=False)]


def test_files_follow_each_other_without_end(tmp_path):
    names = [write_lhe(tmp_path / "a.lhe", 5), write_lhe(tmp_path / "b.lhe.gz", 3, seed=2)]
    files = LheFiles(names, "process 'x'")
    assert len(files) == 8
    first = [600.0 + 10.0 * n for n in (0, 1, 2, 3, 4, 0, 1, 2)]
    assert energies(files, 0, 10) == first + first[:2]
    assert energies(files, 6, 4) == [610.0, 620.0, 600.0, 610.0]
    assert energies(files, 8 + 6, 1) == [610.0]
    numbers = [number for (number, _), _ in zip(files.events(6), range(4), strict=False)]
    assert numbers == [6, 7, 0, 1]
    assert files.cross_section_pb() == pytest.approx((2.5, 0.1 * np.hypot(5, 3) / 8))


def test_agrees_with_pylhe_alone(tmp_path):
    name = write_lhe(tmp_path / "a.lhe", 4)
    text = (tmp_path / "a.lhe").read_text().replace(BANNER, "")
    (tmp_path / "plain.lhe").write_text(text)
    own = [event for (_, event), _ in zip(LheFiles([name], "").events(0), range(4), strict=False)]
    theirs = pylhe.LHEFile.fromfile(tmp_path / "plain.lhe", generator=False).events
    assert [event.particles for event in own] == [event.particles for event in theirs]
    assert [event.eventinfo for event in own] == [event.eventinfo for event in theirs]


def test_identities_follow_the_content_of_a_file(tmp_path):
    one, two = write_lhe(tmp_path / "a.lhe", 5), write_lhe(tmp_path / "b.lhe", 5, seed=3)
    copy = write_lhe(tmp_path / "elsewhere.lhe", 5)
    numbers = np.arange(10)
    both = LheFiles([one, two], "").group_ids(numbers)
    assert len(set(both.tolist())) == 10
    np.testing.assert_array_equal(LheFiles([two, copy], "").group_ids(numbers), np.roll(both, 5))


@pytest.mark.parametrize("ending", [".lhe", ".lhe.gz"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.97])
def test_a_file_cut_off_is_never_taken_for_a_short_one(tmp_path, ending, share):
    path = tmp_path / f"a{ending}"
    write_lhe(path)
    path.write_bytes(path.read_bytes()[: int(share * path.stat().st_size)])
    with pytest.raises(InputError, match="cut off"):
        LheFiles([str(path)], "process 'x'")


def test_damaged_bytes_of_a_compressed_file(tmp_path):
    path = tmp_path / "a.lhe.gz"
    write_lhe(path, 200)
    content = bytearray(path.read_bytes())
    content[len(content) // 2 :] = b"\xff" * (len(content) - len(content) // 2)
    path.write_bytes(content)
    with pytest.raises(InputError, match=r"a\.lhe\.gz: cut off or damaged"):
        summary(str(path))


@pytest.mark.parametrize("strategy", [3, -4])
def test_a_weight_that_is_no_number_is_refused(tmp_path, strategy):
    files = LheFiles([write_lhe(tmp_path / "a.lhe", strategy=strategy, weight=np.nan)], "process 'x'")
    with pytest.raises(InputError, match="process 'x': an event of its files has the weight nan"):
        files.weight(next(files.events(0))[1])


def test_faults_of_files_are_named(tmp_path):
    good = write_lhe(tmp_path / "a.lhe")
    with pytest.raises(InputError, match=r"process 'x': no such event file: .*none.lhe"):
        LheFiles([str(tmp_path / "none.lhe")], "process 'x'")
    with pytest.raises(InputError, match=r"energies \(6500.0, 6500.0\), but"):
        LheFiles([good, write_lhe(tmp_path / "b.lhe", energy=6500.0)], "")
    with pytest.raises(InputError, match="strategy 1"):
        LheFiles([write_lhe(tmp_path / "c.lhe", strategy=1)], "")
    with pytest.raises(InputError, match="cross-section 0 pb; set cross_section_fb for process 'x'"):
        LheFiles([write_lhe(tmp_path / "d.lhe", cross_section=0.0)], "process 'x'").cross_section_pb()
    (tmp_path / "e.lhe").write_text("not events\n</LesHouchesEvents>\n")
    with pytest.raises(InputError, match="no <init> block"):
        summary(str(tmp_path / "e.lhe"))
    broken = (tmp_path / "a.lhe").read_text().replace("5 1 1 2 501", "5 1 1 & 501", 1)
    (tmp_path / "f.lhe").write_text(broken)
    with pytest.raises(InputError, match=r"well-formed|cannot be read"):
        energies(LheFiles([str(tmp_path / "f.lhe")], ""), 0, 1)


def settings_for(name, **changes):
    process = {"kind": "lhe", "files": [name], "pythia": QUICK, "label": 0, **changes}
    return quick_settings(processes={"bb": process, "signal": {"kind": "heavy_higgs", "pythia": QUICK}})


def test_weights_identities_and_cross_section_reach_the_shard(tmp_path):
    name = write_lhe(tmp_path / "a.lhe.gz", 40, strategy=-4, weight=-1.75)
    settings = settings_for(name)
    header, arrays = make_shard(settings, ShardJob("bb", 1, 5))
    np.testing.assert_allclose(arrays["weights"][:, 0], -1.75, rtol=1e-12)
    groups = LheFiles([name], "").group_ids(np.arange(40))
    places = [groups.tolist().index(group) for group in arrays["group_id"].tolist()]
    assert places == sorted(places), "events keep the order of the file"
    assert min(places) >= 0
    assert len(set(arrays["event_id"].tolist())) == 5
    assert header.normalisation["bb"].cross_section_fb == pytest.approx(2500.0)
    again = make_shard(settings, ShardJob("bb", 0, 5))[1]
    assert set(again["group_id"].tolist()) & set(arrays["group_id"].tolist()), (
        "40 events, blocks of 40: a second shower"
    )
    assert not np.array_equal(again["kinematics"], arrays["kinematics"])


def test_events_keep_their_number_where_pythia_skips_some(tmp_path):
    """An event that Pythia cannot shower (its colours do not match) shifts no identity after it."""
    name = write_lhe(tmp_path / "a.lhe", 30)
    text = (tmp_path / "a.lhe").read_text().split("<event>")
    text[4] = text[4].replace("5 1 1 2 501 0", "5 1 1 2 999 0")
    (tmp_path / "a.lhe").write_text("<event>".join(text))
    process = settings_for(name).processes["bb"]
    source = open_source(process, 0, 30, 14_000.0, (5, 6), np.random.default_rng(1), "process 'bb'")
    found = source.next_particles(29).group_id
    wanted = LheFiles([name], "").group_ids(np.arange(30)).tolist()
    assert wanted.index(found[2]) == 2
    assert [wanted.index(group) for group in found[3:].tolist()] == list(range(4, 4 + len(found) - 3))


def test_showers_of_one_event_never_straddle_splits(tmp_path):
    name = write_lhe(tmp_path / "a.lhe", 10)
    settings = settings_for(name, showers_per_event=8)
    generate(settings, tmp_path / "out", workers=1)
    with Sample(tmp_path / "out") as sample:
        groups, label = sample.column("group_id"), sample.column("label")
    groups = groups[label == 0]
    splits = assign_splits(groups, 0.64, 0.16)
    seen = {}
    for group, split in zip(groups.tolist(), splits.tolist(), strict=True):
        assert seen.setdefault(group, split) == split
    assert len(seen) < len(groups), "some events were showered more than once"


def test_the_name_of_a_file_is_no_part_of_a_sample(tmp_path):
    one, other = write_lhe(tmp_path / "a.lhe"), write_lhe(tmp_path / "b.lhe")
    changed = write_lhe(tmp_path / "c.lhe", cross_section=2.6)
    digests = [shard.stored_digest(settings_for(name)) for name in (one, other, changed)]
    assert digests[0] == digests[1] != digests[2]


def test_too_few_events_are_found_out_at_once(tmp_path):
    settings = settings_for(write_lhe(tmp_path / "a.lhe", 12))
    with pytest.raises(ConfigError, match=r"2 shards may take 40 events .* there are 12; raise showers_per_event to 7"):
        generate(settings, tmp_path / "out", workers=1)
    with pytest.raises(ConfigError, match="sqrt_s = 14000 GeV, but the beams"):
        other = write_lhe(tmp_path / "b.lhe", energy=6500.0)
        open_source(settings_for(other).processes["bb"], 0, 5, 14_000.0, (1, 2), None, "process 'bb'")
    with pytest.raises(GenerationError, match=r"its share of the event files gave 10 events, of which \d"):
        settings = settings_for(write_lhe(tmp_path / "c.lhe", 40), events_per_selected=1.25)
        tight = settings.model_copy(
            update={"selection": settings.selection.model_copy(update={"leading_pt_min": 800.0})}
        )
        make_shard(tight, ShardJob("bb", 0, 8))


def test_showers_are_those_of_pythias_own_reader(tmp_path):
    """The same file and seed through Pythia's reader: event by event the same particles."""
    name = write_lhe(tmp_path / "a.lhe", 6)
    process = settings_for(name).processes["bb"]
    ours = open_source(process, 0, 6, 14_000.0, (5, 6), None, "process 'bb'").next_particles(6)
    plain = tmp_path / "plain.lhe"
    plain.write_text((tmp_path / "a.lhe").read_text().replace(BANNER, ""))
    lines = [
        "Print:quiet = on",
        "Random:setSeed = on",
        "Random:seed = 5",
        "Beams:frameType = 4",
        f"Beams:LHEF = {plain}",
    ]
    theirs = Generator([*lines, *QUICK], "x").next_particles(6)
    for field in ("event", "pdg_id", "px", "py", "pz", "energy"):
        np.testing.assert_array_equal(getattr(ours, field), getattr(theirs, field))
