"""YAML that is wrong, absurd or hostile: one sentence, whatever stands in the file."""

from collections.abc import Callable

from experiments.faults.case import SENTENCE, Case, Place, canary, need, no_canary, refused, sentence, shortened
from experiments.faults.command import mscat

GROUP = "bad input: configurations"
HEAD = "base: smoke\n"

BOMB = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 12)
)
"""10^12 strings, if anything ever writes them out."""

TEXTS: dict[str, bytes | str] = {
    "empty": "",
    "a list": "[1, 2]",
    "a single word": "smoke",
    "binary": bytes(range(256)) * 8,
    "not closed": HEAD + "train: {epochs: 3",
    "tabs": HEAD + "train:\n\tepochs: 3",
    "a zero byte": HEAD + "name: a\0b",
    "unknown key": HEAD + "train: {epoch: 3}",
    "unknown section": HEAD + "trian: {epochs: 3}",
    "words for a number": HEAD + "train: {epochs: many}",
    "a list for a section": HEAD + "train: [1, 2]",
    "a section for a number": HEAD + "train: {epochs: {a: 1}}",
    "nothing for a section": HEAD + "train:",
    "keys that are numbers": HEAD + "1: 2",
    "keys that are lists": HEAD + "? [a, b]\n: 1",
    "negative number of events": HEAD + "sample: {events: -5}",
    "no events": HEAD + "sample: {events: 0}",
    "10^30 events": HEAD + "sample: {events: 1000000000000000000000000000000}",
    "a batch of 10^12": HEAD + "train: {batch_size: 1000000000000}",
    "10^9 constituents": HEAD + "sample: {tokens: {constituents: 1000000000}}",
    "a width of 10^9": HEAD + "model: {width: 1000000000}",
    "learning rate NaN": HEAD + "train: {learning_rate: .nan}",
    "learning rate infinite": HEAD + "train: {learning_rate: .inf}",
    "cross-section NaN": HEAD + "sample: {processes: {signal: {cross_section_fb: .nan}}}",
    "mass infinite": HEAD + "sample: {processes: {signal: {m_H: .inf}}}",
    "a number of 10 000 digits": HEAD + "seed: " + "9" * 10_000,
    "a date that is none": HEAD + "name: 2026-99-99",
    "a name that leads elsewhere": HEAD + "name: ../../elsewhere",
    "sample name that leads elsewhere": HEAD + "sample: {name: /etc/x}",
    "nested 20 000 deep": HEAD + "train: " + "[" * 20_000 + "]" * 20_000,
    "refers to itself": HEAD + "train: &a {epochs: *a}",
    "refers to itself at the top": "&a\nbase: smoke\ntrain: *a",
    "aliases that multiply": HEAD + BOMB,
    "aliases that multiply, below a known key": BOMB + HEAD + "train: {epochs: *a11}",
    "base is itself": "base: bad.yaml",
    "base is missing": "base: nowhere.yaml",
    "base is a list": "base: [smoke, demo]",
    "unknown kind of process": HEAD + "sample: {processes: {x: {kind: nothing}}}",
    "event file that is missing": HEAD + "sample: {processes: {4b: {files: [gone.lhe.gz]}}}",
    "detector card that is missing": HEAD + "sample: {detector: gone.yaml}",
}
"""By what is wrong, the content of `bad.yaml`."""

TAGS = {
    "!!python/object/apply": "name: !!python/object/apply:os.system ['{command}']\n",
    "!!python/object/new": "name: !!python/object/new:os.system ['{command}']\n",
    "!!python/name": "name: !!python/name:os.system\n",
    "a tag of its own": "name: !system '{command}'\n",
}

EVENT_FILES: dict[str, tuple[str, bytes]] = {
    "LHE file: empty": ("bad.lhe", b""),
    "LHE file: random bytes": ("bad.lhe.gz", b"\x1f\x8b" + bytes(range(256)) * 20),
    "LHE file: another text": ("bad.lhe", b"once upon a time\n" * 50),
    "LHE file: no end": ("bad.lhe", b'<LesHouchesEvents version="1.0">\n<init>\n2212 2212 7000 7000 0 0 0 0 3 1\n'),
    "LHE file: an event that is none": (
        "bad.lhe",
        b'<LesHouchesEvents version="1.0">\n<init>\n2212 2212 7000 7000 0 0 0 0 3 1\n1 1 1 1\n</init>\n'
        b"<event>\nx y z\n</event>\n</LesHouchesEvents>\n",
    ),
    "HepMC file: empty": ("bad.hepmc", b""),
    "HepMC file: random bytes": ("bad.hepmc", bytes(range(256)) * 20),
    "HepMC file: another text": ("bad.hepmc", b"once upon a time\n" * 50),
    "HepMC file: cut off": (
        "bad.hepmc",
        b"HepMC::Version 3.2.5\nHepMC::Asciiv3-START_EVENT_LISTING\nE 1 1 2\nU GEV MM\n",
    ),
    "HepMC file: an event that is none": (
        "bad.hepmc",
        b"HepMC::Version 3.2.5\nHepMC::Asciiv3-START_EVENT_LISTING\nE 1 1 2\nU GEV MM\nP 1 0 nonsense\n"
        b"A 0 GenCrossSection 1 0.1 -1 -1\nHepMC::Asciiv3-END_EVENT_LISTING\n",
    ),
    "HepMC file: cross-section in words": (
        "bad.hepmc",
        b"HepMC::Version 3.2.5\nHepMC::Asciiv3-START_EVENT_LISTING\nE 1 0 0\nU GEV MM\nA 0 GenCrossSection much\n"
        b"HepMC::Asciiv3-END_EVENT_LISTING\n",
    ),
}


def _yaml_case(what: str, text: bytes | str, command: str = "generate") -> Case:
    def act(place: Place) -> str:
        file = place.folder / "bad.yaml"
        file.write_bytes(text.encode() if isinstance(text, str) else text)
        ended = mscat((command, "bad.yaml", "--workers", "1"), place.folder, timeout=60)
        said = shortened(sentence(ended, _named(what)))
        need(ended.peak_bytes < 2**30, f"took {ended.peak_bytes / 2**20:.0f} MiB")
        return said

    return Case(f"YAML: {what}", GROUP, f"configuration: {what}; `mscat {command}`", SENTENCE, act)


def _named(what: str) -> str:
    return {
        "event file that is missing": "gone.lhe.gz",
        "detector card that is missing": "gone.yaml",
        "base is missing": "nowhere.yaml",
    }.get(what, "bad.yaml")


def _code_case(what: str, text: str, where: str, arguments: Callable[[str], tuple[str, ...]]) -> Case:
    def act(place: Place) -> str:
        file = place.folder / "bad.yaml"
        file.write_text(text.replace("{command}", f"touch {canary(place)}"))
        said = refused(place, arguments(text.partition(": ")[2].strip()), "bad.yaml" if where == "file" else "--set")
        no_canary(place)
        return said

    return Case(
        f"YAML code: {what} in {where}", "code in files", f"{what} in {where}", SENTENCE + "; no code runs", act
    )


def _event_case(what: str, name: str, data: bytes) -> Case:
    def act(place: Place) -> str:
        (place.folder / name).write_bytes(data)
        kind = "hepmc" if "hepmc" in name else "lhe"
        process = f"sample.processes={{signal: {{kind: {kind}, files: [{name}], label: 1, cross_section_fb: 1.0, "
        process += "events_per_selected: 1}}"
        one = ("--set", "sample.events=1", "--set", "sample.shard_events=1")
        return refused(place, ("generate", "smoke", "--workers", "1", *one, "--set", process), name)

    return Case(what, "bad input: events", f"{what}; `mscat generate`", SENTENCE, act)


def cases() -> list[Case]:
    """Configurations, hostile tags, event files that configurations name, and files beside configurations."""
    found = [_yaml_case(what, text) for what, text in TEXTS.items()]
    found += [_code_case(tag, text, "file", lambda _: ("generate", "bad.yaml")) for tag, text in TAGS.items()]
    found += [
        _code_case(tag, text, "--set", lambda value: ("generate", "smoke", "--set", f"name={value}"))
        for tag, text in TAGS.items()
    ]
    found += [_event_case(what, *rest) for what, rest in EVENT_FILES.items()]
    return [*found, *_other_yaml()]


def _other_yaml() -> list[Case]:
    """YAML of batch systems and of imports."""

    def case(name: str, done: str, text: str, *arguments: str) -> Case:
        def act(place: Place) -> str:
            (place.folder / "bad.yaml").write_text(text)
            return refused(place, arguments, "bad.yaml")

        return Case(name, GROUP, done, SENTENCE, act)

    batch = ("generate", "smoke", "--cluster", "bad.yaml")
    files = ("import", "delphes", "bad.yaml", "--out", "out")
    return [
        case("batch system: unknown key", "file of a batch system: unknown key", "kind: slurm\nqueues: x\n", *batch),
        case("batch system: not YAML", "file of a batch system that is not YAML", "{", *batch),
        case("import list: unknown key", "list of files to import: unknown key", "name: x\nfile: [a.root]\n", *files),
        case("import list: empty", "list of files to import: empty", "", *files),
        case("import list: wrong type", "list of files to import: a number for files", "name: x\nfiles: 3\n", *files),
    ]
