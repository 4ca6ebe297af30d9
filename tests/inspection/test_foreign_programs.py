"""Programs in other languages, macros and lists that put a repository's address together.

Each is seen to fetch what it fetches: the same text with another name is a twin that leaves that other one only.
"""

from __future__ import annotations

import contextlib
import time

import pytest

from jupyter_tos_guard.inspection.facts import Fact, Span
from jupyter_tos_guard.inspection.shell.foreign import inspect_foreign
from jupyter_tos_guard.inspection.shell.interpreter import run_shell
from jupyter_tos_guard.inspection.state import Budget, Origin, OutOfBudget, State

NAMES = {"OWNER": "iperov", "NAME": "DeepFaceLab"}
TWINS = {"OWNER": "pytorch", "NAME": "examples"}


def facts_of(text: str) -> list[Fact]:
    state = State(budget=Budget(seconds=20, steps=3_000_000))
    run_shell(text, state, Origin(Span(1, 0, text.count("\n") + 1, 0), True))
    return state.facts


def repositories(text: str, names: dict[str, str]) -> set[str]:
    for key, value in names.items():
        text = text.replace(f"{key[::-1]}.", value[::-1]).replace(key, value)
    return {fact.value for fact in facts_of(text) if fact.kind == "repository"}


def compiled(body: str) -> str:
    return f"cat > t.c <<'EOF'\nint main(void) {{\n{body}\n}}\nEOF\ngcc t.c -o t && ./t"


def in_go(body: str) -> str:
    return f"cat > t.go <<'EOF'\npackage main\nfunc main() {{\n{body}\n}}\nEOF\ngo run t.go"


CASES = {
    "perl hash": """perl -e 'my %h = (o => "OWNER", n => "NAME"); system("git", "clone", "https://github.com/$h{o}/$h{n}")'""",
    "perl map": """perl -e 'system("git clone https://github.com/" . join "/", map { scalar reverse $_ } qw(RENWO. EMAN.))'""",
    "perl sub": """perl -e 'sub u { my ($o, $n) = @_; return "https://github.com/$o/$n" } system("git clone " . u("OWNER", "NAME"))'""",
    "perl loop": """perl -e 'for my $r (qw(OWNER/NAME)) { system("git clone https://github.com/$r") }'""",
    "ruby several": """ruby -e 'a, b = "OWNER", "NAME"; system("git clone https://github.com/#{a}/#{b}")'""",
    "ruby each": """ruby -e '%w[OWNER/NAME].each { |r| system "git", "clone", "https://github.com/#{r}" }'""",
    "ruby method": """ruby -e 'def u(a, b)\n"https://github.com/#{a}/#{b}"\nend\nsystem("git clone #{u("OWNER", "NAME")}")'""",
    "node destructured": """node -e 'const {o, n} = {o: "OWNER", n: "NAME"}; require("child_process").execSync(`git clone https://github.com/${o}/${n}`)'""",
    "node arrow": """node -e 'const u = (o, n) => `https://github.com/${o}/${n}`; require("child_process").execSync("git clone " + u("OWNER", "NAME"))'""",
    "node pattern": """node -e 'const u = "OWNER/X".replace(/X/, "NAME"); require("child_process").execSync("git clone https://github.com/" + u)'""",
    "php array": """php -r '$p = ["o" => "OWNER", "n" => "NAME"]; system("git clone https://github.com/{$p["o"]}/{$p["n"]}");'""",
    "php strtr": """php -r 'passthru(strtr("git clone https://github.com/X/Y", ["X" => "OWNER", "Y" => "NAME"]));'""",
    "R function": """Rscript -e 'f <- function(a, b) paste0("https://github.com/", a, "/", b); system(paste("git clone", f("OWNER", "NAME")))'""",
    "R vector": """Rscript -e 'x <- unlist(strsplit("NAME/OWNER", "/")); system(paste0("git clone https://github.com/", paste(rev(x), collapse = "/")))'""",
    "R letters": """Rscript -e 'system(chartr("#@", "ot", "gi@ cl#ne h@@ps://gi@hub.c#m/OWNER/NAME"))'""",
    "lua table": """lua -e 'local p = {"OWNER", "NAME"} os.execute("git clone https://github.com/" .. table.concat(p, "/"))'""",
    "lua gsub": """lua -e 'os.execute((("git clone https://github.com/<o>/<n>"):gsub("<(%w+)>", {o = "OWNER", n = "NAME"})))'""",
    "julia dict": """julia -e 'd = Dict("o" => "OWNER", "n" => "NAME"); run(`git clone https://github.com/$(d["o"])/$(d["n"])`)'""",
    "julia function": """julia -e 'u(o, n) = "https://github.com/$o/$n"; run(`git clone $(u("OWNER", "NAME"))`)'""",
    "tcl array": "tclsh <<'E'\narray set r {o OWNER n NAME}\nexec git clone https://github.com/$r(o)/$r(n)\nE",
    "tcl procedure": "tclsh <<'E'\nproc u {o n} { return [string cat https://github.com/ $o / $n] }\nexec git clone [u OWNER NAME]\nE",
    "C strcat": compiled('char b[99] = "git clone https://github.com/";\nstrcat(b, "OWNER/");\nstrcat(b, "NAME");\nsystem(b);'),
    "C argv": compiled('char *v[] = {"git", "clone", "https://github.com/OWNER/" "NAME", NULL};\nexecvp("git", v);'),
    "C macro": compiled('#define U(o, n) "https://github.com/" #o "/" #n\nsystem("git clone " U(OWNER, NAME));'),
    "go Sprintf": in_go('o, n := "OWNER", "NAME"\nexec.Command("git", "clone", fmt.Sprintf("https://github.com/%s/%s", o, n)).Run()'),
    "go map": in_go('m := map[string]string{"o": "OWNER", "n": "NAME"}\nexec.Command("git", "clone", "https://github.com/"+m["o"]+"/"+m["n"]).Run()'),
    "m4": "m4 <<'E' | sh\ndefine(`of', `https://github.com/$2/$1')dnl\ngit clone of(`NAME', `OWNER')\nE",
    "cpp": "printf '#define PAIR(a, b) a/b\\nPAIR(OWNER, NAME)\\n' > x.h\ngit clone https://github.com/$(cpp -P x.h)",
    "make call": "cat > Makefile <<'E'\nurl = https://github.com/$(1)/$(subst _,,$(2))\nall:\n\tgit clone $(call url,OWNER,_NAME_)\nE\nmake",
    "make pattern": "cat > Makefile <<'E'\nget-%: ; git clone https://github.com/OWNER/$*\nE\nmake get-NAME",
    "cmake": "cat > g.cmake <<'E'\nset(P OWNER)\nlist(APPEND P NAME)\nstring(JOIN \"/\" U ${P})\nexecute_process(COMMAND git clone https://github.com/${U})\nE\ncmake -P g.cmake",
    "cargo": "cargo new x && cd x\nprintf '[dependencies.a]\\ngit = \"https://github.com/OWNER/NAME\"\\n' >> Cargo.toml\ncargo build",
    "docker": "docker build --build-arg O=OWNER - <<'E'\nFROM alpine\nARG O\nADD https://github.com/${O}/NAME.git /x\nE",
    "vcs": "printf 'repositories:\\n  x:\\n    url: https://github.com/OWNER/NAME\\n' > a.repos\nvcs import src < a.repos",
    "west": "printf 'manifest:\\n  projects:\\n    - name: x\\n      url: https://github.com/OWNER/NAME\\n' > west.yml\nwest update",
    "gclient": "echo 'solutions = [{\"url\": \"https://github.com/OWNER/NAME\"}]' > .gclient\ngclient sync",
    "repo": (
        "echo '<manifest><remote name=\"g\" fetch=\"https://github.com/OWNER\"/><project remote=\"g\" name=\"NAME\"/></manifest>'"
        " > .repo/manifests/default.xml\nrepo sync"
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", CASES.values(), ids=list(CASES))
def test_program_is_seen_to_fetch_its_repository_only(text: str) -> None:
    assert repositories(text, NAMES) == {"github.com/iperov/deepfacelab"}
    assert repositories(text, TWINS) == {"github.com/pytorch/examples"}


@pytest.mark.parametrize(
    "operand", ["?exact-name(NAME)", "~n^NAME$", "NAME/stable", "NAME:amd64", "NAME=1.2", "NAM[E]"]
)
def test_pattern_of_apt_is_the_package_that_it_names(operand: str) -> None:
    for name in ("tmate", "graphviz"):
        text = operand.replace("NAME", name).replace("NAM[E]", f"{name[:-1]}[{name[-1]}]")
        packages = {fact.value for fact in facts_of(f"apt install -y '{text}'") if fact.kind == "package"}
        assert packages == {f"apt:{name}"}


def test_package_built_here_brings_what_it_depends_on() -> None:
    facts = facts_of(
        "printf 'Package: x\\nDepends: a (>= 1), tmate | b\\n' > d/DEBIAN/control\ndpkg-deb -b d x.deb\napt install ./x.deb"
    )
    packages = {fact.value for fact in facts if fact.kind == "package"}
    assert {"apt:a", "apt:tmate", "apt:b"} <= packages


@pytest.mark.parametrize(
    ("address", "counts"),
    [
        ("https://example.org/a.zip", False),
        ("https://example.org/a.torrent", True),
        ("https://example.org/get/1", True),
    ],
)
def test_options_of_torrents_have_no_effect_on_a_plain_file(address: str, counts: bool) -> None:
    said = {fact.value for fact in facts_of(f"aria2c --seed-time=0 {address}") if fact.kind == "argument"}
    assert ("aria2c --seed-time" in said) == counts


@pytest.mark.parametrize(
    "language", ["perl", "ruby", "javascript", "php", "r", "lua", "julia", "tcl", "go", "c"]
)
@pytest.mark.parametrize(
    "text",
    [
        "(" * 20_000,
        "a." * 20_000,
        "-" * 20_000,
        "if " * 9_000,
        "x=[[],[]];" + "x=[x,x];" * 60 + "system(x)",
        "f(" * 9_000,
    ],
)
def test_hostile_program_is_read_in_bounded_time(language: str, text: str) -> None:
    state = State(budget=Budget(seconds=1, steps=200_000))
    start = time.perf_counter()
    with contextlib.suppress(OutOfBudget):
        inspect_foreign(text, language, state)
    assert time.perf_counter() - start < 4
