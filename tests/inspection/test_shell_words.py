"""Shell text on paper prints what bash itself prints.

Every snippet is run by the real bash, too: it is harmless, and bash is the authority.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import time

import pytest

from jupyter_tos_guard.inspection.facts import HOLE, Fact
from jupyter_tos_guard.inspection.shell.interpreter import inspect_foreign, run_argv, run_shell
from jupyter_tos_guard.inspection.state import Budget, Origin, OutOfBudget, Span, State

BASH = shutil.which("bash")

SNIPPETS = [
    "echo a b  c",
    "echo 'a  b' \"c  d\" e\\ f",
    "echo a\\\nb",
    "x='a  b'; echo $x; echo \"$x\"",
    "echo a{b,c{d,e}f}g {1..5} {a..e..2} {05..8} x{,y} {a} {a,}",
    "echo \"{a,b}\" {a,'b c'}",
    "echo $'a\\tb\\x41\\102\\u00e9\\cA' | od -An -tx1 | tr -d ' \\n'",
    'a=(x "y z" w); echo ${#a[@]} ${a[1]} "${a[@]:1}" "${a[*]}" ${a[-1]}; a+=(q); a[7]=k; echo "${!a[0]}" ${#a[0]}',
    "declare -A m=([k]=v [l]=w); m[z]=1; echo ${m[k]} ${m[z]} ${#m[@]}",
    "x=abcabc; echo ${x/b/X} ${x//b/X} ${x/#a/X} ${x/%c/X} ${x//[ab]/-} ${x//?/q} ${x/z/q}",
    "x=a/b/c.tar.gz; echo ${x##*/} ${x#*/} ${x%.*} ${x%%.*} ${x%/*}",
    "x=hello; echo ${x:1} ${x:1:3} ${x: -3} ${x: -3:2} ${x:1:-1} ${#x} ${x:$((1+1)):1}",
    "x=hello; echo ${x^} ${x^^} ${x^^[el]}; y=HELLO; echo ${y,} ${y,,}",
    "echo ${u:-d} ${u-d} ${u:+s} ${u=e} $u ${u:+s} ${v:=w} $v",
    'echo "${u:-a b}" ${u:-a b} "${u:-\'q\'}"',
    "a=b; b=c; echo ${!a}",
    'set -- one \'two three\' four; echo $# $1 "$2" $*; for i; do echo "<$i>"; done; shift; echo $1',
    'set -- a "b c"; printf "<%s>" "$@"; echo; printf "<%s>" $@; echo; printf "<%s>" "$*"',
    "f() { local x=1; echo $1 $x; x=2; return 3; }; x=9; f q; echo $? $x",
    "echo $((1+2*3)) $((2**10)) $((7/2)) $((-7/2)) $((-7%3)) $((0x1f)) $((010)) $((2#101)) $((36#zz)) $((1<<4|3)) $((5>3&&2<1))",
    "x=3; echo $((x+1)) $((x++)) $x $((++x)) $((x+=2)) $((x>5?1:2)) $(((1+2)*3)); ((x=7)); echo $x; let y=x*2; echo $y",
    "echo $(echo a; echo b) `echo c` $(echo \"$(echo 'd e')\")",
    "IFS=,; x=a,b,,c; printf '<%s>' $x; echo; y=',a'; printf '<%s>' $y",
    "IFS=:; x='a:b c:d'; set -- $x; echo $#",
    "cat <<EOF\na $((1+1)) $(echo b) \\$x `echo c` 'q'\nEOF",
    "cat <<'EOF'\na $x `c`\nEOF",
    "cat <<-EOF\n\ta\n\t\tb\n\tEOF",
    "cat <<A; cat <<B\n1\nA\n2\nB",
    'cat <<< "a $((2*3))"',
    "printf '%s-%s\\n' a b c d; printf '%05d|%-5s|%x|%o|%c|%%\\n' 42 ab 255 8 xyz; printf '%b' 'a\\tb\\n'; printf '%s' a b; echo",
    "printf '%d %d\\n' \"'A\" 0x10; printf 'x\\x41\\101\\n'; printf '%.2s|%5.1s|\\n' abc def",
    "echo -e 'a\\tb\\x41\\0101'; echo -n x; echo -ne 'y\\n'; echo -E 'a\\tb'; echo -- -x; echo -q",
    "printf 'b\\na\\nc\\n' | sort | tac | head -2 | tail -1",
    "echo hello | rev | tr a-y b-z | cut -c2-4",
    "echo 'a,b,c' | cut -d, -f2,3; echo 'a b c' | cut -d' ' -f1-2",
    "echo HELLO | tr A-Z a-z | tr -d l; echo aabbcc | tr -s b; echo abc | tr -c 'a\\n' x; echo abc | tr '[:lower:]' '[:upper:]'",
    "printf 'a1\\nb2\\nc3\\n' | sed -n '2p;3s/c/d/p'; echo abcabc | sed 's/b/X/2'; echo abc | sed 's/\\(a\\)\\(b\\)/\\2\\1/'; echo abc | sed -E 's/(.)(.)/[&]/g'",
    "echo 'a/b' | sed 's|/|-|; s,a,z,'; echo x | sed 's/x/\\n/'; echo hello | sed 'y/el/ip/'; printf '1\\n2\\n3\\n' | sed '2d' ; printf '1\\n2\\n' | sed '$!d'; echo ab | sed 's/./\\U&/'",
    "echo aGVsbG8= | base64 -d; echo; echo hello | base64; echo NBSWY3DP | base32 -d; echo",
    "echo hello | gzip | gunzip; echo hello | xz | xz -d; echo hello | bzip2 | bunzip2",
    "printf 'a\\nb\\nc\\n' | paste -sd, ; printf 'a b c' | xargs -n1 echo x; printf 'a\\nb\\n' | xargs -I% echo '<%>'",
    "printf '1 2\\n3 4\\n' | awk '{print $2, $1}'; echo a:b | awk -F: '{print $2}'; printf 'a\\nb\\n' | awk 'NR==2{print}'",
    "printf 'a\\nb\\nc\\n' | while read l; do echo \"<$l>\"; done",
    "read a b c <<< 'x y z w'; echo \"$a|$b|$c\"; IFS=: read p q <<< 'm:n'; echo $p $q; read -r r <<< 'a\\tb'; echo \"$r\"",
    "read -a arr <<< 'x y z'; echo ${arr[1]}; mapfile -t l < <(printf 'a\\nb\\n'); echo ${l[1]} ${#l[@]}",
    "for i in a b c; do [ $i = b ] && continue; echo $i; done; for ((i=0;i<3;i++)); do echo $i; [ $i -eq 1 ] && break; done",
    "i=0; while [ $i -lt 3 ]; do echo $i; i=$((i+1)); done; until [ $i -eq 0 ]; do i=$((i-1)); done; echo $i",
    "case abc in x*) echo 1;; a?c|q) echo 2;; *) echo 3;; esac; case x in [a-c]) echo n;; [!a-c]) echo y;; esac",
    "case a in a) echo 1;& b) echo 2;; c) echo 3;; esac",
    "[[ abc == a* && ! x == y ]] && echo y; [[ a < b ]] && echo lt; if [ -z '' -a 1 -le 2 ]; then echo t; else echo f; fi",
    "x=5; if (( x > 3 )); then echo big; elif (( x > 1 )); then echo mid; else echo small; fi",
    "true && echo a || echo b; false && echo a || echo b; ! true || echo c; true; echo $?; false; echo $?",
    '(x=1; echo $x); echo "<$x>"; { y=2; echo $y; }; echo $y; z=$(x=3; echo $x); echo $z $x',
    "x='echo hi'; $x; eval \"$x there\"; eval 'y=4'; echo $y",
    'f() { echo "$@"; }; f a \'b c\' | cat; g() { f "$1"; }; g z; unset -f f; type -t g',
    "x=1 bash -c 'echo $x'; y=2; bash -c 'echo \"<$y>\"'; export y; bash -c 'echo $y'; bash -c 'echo $0 $1' a b",
    "echo 'echo hi $1' > s.sh; bash s.sh 5; . ./s.sh; cat s.sh; echo more >> s.sh; tail -n1 s.sh",
    "echo a > f; cat < f; cat f f | wc -l; echo b | tee g; cat g; { echo 1; echo 2; } > h; cat h; cp h k; mv k l; cat l",
    "exec 3<<< 'abc'; read x <&3; echo $x",
    "seq 3; seq 2 4 | tr '\\n' ' '; seq -s, 1 3; basename /a/b.c .c; dirname /a/b.c; expr 3 + 4; expr substr hello 2 3",
    "trap 'echo bye' EXIT; echo hi; exit; echo never",
    'echo $(( $(echo 2) + 3 )) "$(( 1 ? 2 : 3 ))"',
    'x=$(cat <<EOF\nin $((1+1))\nEOF\n); echo "$x"',
    "printf -v x '%03d' 7; echo $x; a=1; a+=2; echo $a; declare -i n=2+3; echo $n; declare -u U=abc; echo $U",
    "echo a;echo b&&echo c # comment\necho d # e",
    'x=a; echo $x$x "${x}b" $x.b $xb',
    "echo \"a\\\"b\\$c\\\\d\" 'a'\\''b'",
    'echo ${x:-`echo q`} ${x:-$(echo "a )")}',
    "env -i A=1 bash -c 'echo $A'; env B=2 sh -c 'echo $B'; env -S 'echo a b'",
    "printf '%s\\n' \"a b\" | xxd -p; echo 6869 | xxd -r -p; echo; echo 'iVBO' | rev",
    "y=2; echo $(y=3; echo $y) $y; shopt -s extglob; x=aabb; echo ${x##+(a)} ${x%%*(b)}",
    "fold -w2 <<< abcdef; nl <<< a | tr -d ' \\t'; printf 'a\\na\\nb\\n' | uniq; printf '10\\n9\\n' | sort -n; printf 'a b\\nc d\\n' | sort -r -k2",
    "grep -v b <<< $'a\\nb\\nc'; grep -o '[0-9]*' <<< a12b; grep -c a <<< $'a\\nba'; grep -q zz <<< a || echo none",
]


def output_of(text: str) -> str:
    state = State(budget=Budget(seconds=20, steps=3_000_000))
    return run_shell(text, state, Origin(Span(1, 0, 1, 1), False))


@pytest.mark.skipif(BASH is None, reason="bash is not here to compare with")
@pytest.mark.parametrize("text", SNIPPETS, ids=[s[:60] for s in SNIPPETS])
def test_prints_what_bash_prints(text: str, tmp_path: object) -> None:
    assert BASH is not None
    real = subprocess.run(
        [BASH, "-c", text],
        cwd=str(tmp_path),
        capture_output=True,
        text=True,
        timeout=20,
        stdin=subprocess.DEVNULL,
        check=False,
    ).stdout
    assert output_of(text) == real


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("echo $(date)", HOLE),
        ("echo a$(nvidia-smi)b", f"a{HOLE}b"),
        (f"x={HOLE}; echo $x.git", f"{HOLE}.git"),
        ("for i in $(ls); do echo $i; done", HOLE),
        ("curl -s https://example.org/x | head -1", HOLE),
    ],
)
def test_unknown_parts_stay_unknown(text: str, shown: str) -> None:
    assert output_of(text).strip() == shown


HOSTILE = {
    "fork bomb": ":(){ :|:& };:",
    "endless output": "yes | head -n 100000 | bash",
    "endless loop": "while true; do git clone https://github.com/a/b; done",
    "counting loop": "i=0; while true; do i=$((i+1)); nvidia-smi; done",
    "substitutions in substitutions": "echo " + "$(" * 10_000,
    "groups in groups": "{ " * 10_000,
    "quotes and substitutions": '"$(' * 5_000,
    "ten megabytes": "echo a b c; " * 900_000,
    "braces double": "echo " + "{a,b}" * 24,
    "braces nest": "echo " + "{a," * 2_000,
    "long sequences": "echo {1..1000000}{1..1000000}",
    "doubling variable": "a=aaaaaaaaaa; " + "a=$a$a; " * 40 + "echo $a",
    "eval of itself": 'x=\'eval "$x"; eval "$x"\'; eval "$x"',
    "script that runs itself twice": 'echo "bash a.sh; bash a.sh" > a.sh; bash a.sh',
    "backtracking expression": "echo "
    + "a" * 3_000
    + " | sed -E 's/(a*)*b/x/; s/(a|aa)+$/y/; s/a*a*a*a*a*a*a*b/z/'",
    "backtracking pattern": "case " + "a" * 3_000 + " in " + "*a" * 100 + "b) x;; esac",
    "replaced pattern": "a=" + "a" * 3_900 + "; echo ${a//*a*a*a*b/x}",
    "open quotes": '"' * 100_001,
    "backquotes": "`" * 100_001,
    "dollars": "$" * 100_000,
    "great powers": "echo $((2**9999999999)) $((9**9**9**9)) $((1<<99999999))",
    "long pipeline": "a|" * 20_000,
    "unknown nesting": "(" * 10_000,
    "arithmetic nests": "echo $((" + "(" * 5_000 + "1" + ")" * 5_000 + "))",
    "null bytes and surrogates": "\0" * 1_000 + "git\0clone \ud800 https://github.com/\udfff/x",
    "decoder bomb": "echo H4sIAAAAAAAC/+3BgQAAAADDoPlTX+EAVQEAAAAAAAAAAAAAAAAAAAAAAAAAAADwGlqfsgAAAAAA | base64 -d | gunzip | bash",
}


@pytest.mark.parametrize("text", HOSTILE.values(), ids=list(HOSTILE))
def test_hostile_text_ends_with_its_budget(text: str) -> None:
    state = State(budget=Budget(seconds=0.5))
    began = time.perf_counter()
    with contextlib.suppress(OutOfBudget):
        run_shell(text, state, Origin(Span(1, 0, 1, 1), True))
    # Ten times the budget: other work on the machine must not fail the test, a hang must.
    assert time.perf_counter() - began < 5


def facts_of(text: str) -> list[Fact]:
    state = State(budget=Budget(seconds=20, steps=3_000_000))
    lines = text.split("\n")
    run_shell(text, state, Origin(Span(1, 0, len(lines), len(lines[-1])), True))
    return state.facts


def test_facts_point_at_their_command() -> None:
    facts = facts_of("ls -la\ncd x && git clone https://github.com/a/b.git && ls\n")
    (clone,) = [fact for fact in facts if fact.value == "github.com/a/b"]
    assert clone.span == Span(2, 8, 2, 44)
    assert clone.provenance == ()


def test_provenance_tells_how_the_command_was_made() -> None:
    facts = facts_of(
        "r=b; echo Z2l0IGNsb25lIGh0dHBzOi8vZ2l0aHViLmNvbS9hL2I= | base64 -d | bash; git clone https://github.com/a/$r"
    )
    decoded, spliced = [fact for fact in facts if fact.value == "github.com/a/b"]
    assert decoded.provenance == ("base64", "piped to bash")
    assert spliced.provenance == ("variable r",)
    assert spliced.text == "git clone https://github.com/a/b"


def test_folder_and_variables_end_with_the_line() -> None:
    state = State()
    run_shell("cd /tmp; export A=1; echo x > f", state, Origin(Span(1, 0, 1, 1), True))
    assert state.cwd == ""
    assert "A" not in state.environ
    assert state.files["/tmp/f"].content == "x\n"


def test_argument_vectors_are_not_expanded() -> None:
    state = State()
    run_argv(["git", "clone", "https://github.com/a/$x"], state, Origin(Span(1, 0, 1, 1)))
    assert "github.com/a/$x" in {fact.value for fact in state.facts}
    assert run_argv(["cat"], State(), Origin(Span(1, 0, 1, 1)), stdin="hi") == "hi"


@pytest.mark.parametrize(
    ("language", "source", "want"),
    [
        ("bash", "pip install pproxy", "package pypi:pproxy"),
        ("R", "library(shiny)\nsystem('git clone https://github.com/a/b')", "repository github.com/a/b"),
        ("R", "install.packages(c('x', 'torch'))", "package cran:torch"),
        ("ir", "remotes::install_github('a/b')", "repository github.com/a/b"),
        ("R", "download.file('https://example.org/x', 'y')", "host example.org"),
        ("R", "library(reticulate)", "module reticulate"),
        ("julia", 'using Pkg; Pkg.add("Flux")', "package julia:flux"),
        ("julia", "using CUDA, Flux", "module Flux"),
        ("julia", 'x = "b"\nrun(`git clone https://github.com/a/$x`)', "repository github.com/a/b"),
        ("javascript", "import fs from 'fs'\nfetch('https://example.org/x')", "url https://example.org/x"),
        ("ruby", "`git clone https://github.com/a/b`", "repository github.com/a/b"),
        ("octave", "system('git clone https://github.com/a/b')", "repository github.com/a/b"),
        ("scala", 'import sys.process._\n"git clone https://github.com/a/b".!', "repository github.com/a/b"),
        (
            "C++17",
            '#include <cstdlib>\nsystem("git clone https://github.com/a/b");',
            "repository github.com/a/b",
        ),
        ("go", 'exec.Command("git", "clone", "https://github.com/a/b").Run()', "repository github.com/a/b"),
    ],
)
def test_cells_in_other_languages(language: str, source: str, want: str) -> None:
    state = State()
    inspect_foreign(source, language, state)
    assert want in {f"{fact.kind} {fact.value}" for fact in state.facts}


@pytest.mark.parametrize(
    ("language", "source"),
    [
        (
            "R",
            "# system('git clone https://github.com/a/b')\nx <- 'git clone https://github.com/a/b'\nprint(x)",
        ),
        (
            "julia",
            "# run(`git clone https://github.com/a/b`)\nx = `git clone https://github.com/a/b`\nprintln(x)",
        ),
        ("javascript", "// fetch('https://github.com/a/b')\nconsole.log('git clone https://github.com/a/b')"),
    ],
)
def test_other_languages_mention_without_use(language: str, source: str) -> None:
    state = State()
    inspect_foreign(source, language, state)
    assert not [fact for fact in state.facts if "a/b" in fact.value]
