"""Shell text on paper prints what bash itself prints.

Every snippet is run by the real bash, too: it is harmless, and bash is the authority.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
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

#: Program that a snippet needs, and the snippet.
TOOLS = [
    ("bash", "printf '%b|' '\\0101\\x42' 'a\\\\0102' 'c\\tx'; : a 'b c'; echo \"$_\"; x=1; echo \"<$_>\""),
    (
        "bash",
        "f() { local -n r=$1; r+=z; }; a=x; f a; echo $a; g() { declare -n q=$1; q[1]=y; }; b=(1 2); g b; echo ${b[*]}",
    ),
    ("bash", "declare -n r=x; r=5; echo $x; x=(a b); declare -n e='x[1]'; echo $e; e=c; echo ${x[1]}"),
    (
        "bash",
        "f() { echo \"f $1\"; }; export -f f; bash -c 'f a'; echo b | xargs bash -c 'f $0'",
    ),
    ("bash", "f() { echo one; }; eval \"$(declare -f f | sed 's/one/two/;s/^f/g/')\"; f; g; type -t f"),
    (
        "bash",
        "echo 'h() { echo hi $1; }; unset BASH_ENV' > e; BASH_ENV=e bash -c 'h x'; bash --rcfile e -ic 'h y' 2>/dev/null",
    ),
    ("awk", "printf 'a b c\\n1 2 3\\n' | awk '{print $3,$1; s+=$2} END{print s/4, NR}'"),
    (
        "awk",
        "awk 'BEGIN{for(i=0;i<3;i++){printf \"%c%s-\", 65+i, i}; print \"\"}'; printf 'b\\na\\nb\\n' | awk '!seen[$0]++'",
    ),
    (
        "awk",
        'awk \'BEGIN{s="hello world"; gsub(/o/,"0&",s); print toupper(s), substr(s,2,3), index(s,"w"), match(s,/w.r/), RSTART}\'',
    ),
    (
        "awk",
        "awk 'function f(x,  y){y=x*2; return y} BEGIN{print f(4) f(5); while(i<3){i++; if(i==2)continue; print i}; do {j++} while (j<5); print j}'",
    ),
    (
        "awk",
        'awk \'BEGIN{"echo hi" | getline x; print x; n=split("a-b-c",p,"-"); for(i=n;i>0;i--) printf "%s", p[i]; printf "\\n"}\'',
    ),
    (
        "awk",
        "echo '1 2 3' | awk '{$2=\"x\"; print; $0=\"p q\"; print NF, $2; NF=1; print}'; printf 'a\\nB\\nc\\nE\\n' | awk '/B/,/E/'",
    ),
    (
        "awk",
        'awk -v x=5 \'BEGIN{print (x>3)?"b":"s"; print -x^2, 7%3, 1e3, 0.1+0.2}\'; echo a | awk \'{print | "cat"}\'',
    ),
    (
        "awk",
        'printf \'3\\n10\\n9\\n\' | awk \'$1>m{m=$1}END{print m}\'; awk \'BEGIN{a="10"; b=9; print (a<b), ("10"<"9"); x["k"]; print ("k" in x), ("l" in x)}\'',
    ),
    (
        "jq",
        'echo \'{"a":{"b":[1,2.5,"x"]},"c":null}\' | jq -c \'.a.b[1:], .a.b[-1], (.c // "d"), .a["b"][0], .z?\'',
    ),
    (
        "jq",
        'jq -nr \'"a\\(1+2)b\\("q"|ascii_upcase)", ([1,2,3]|map(.*2)|add), ("a-b-c"|split("-")|reverse|join("/"))\'',
    ),
    (
        "jq",
        'jq -nr --arg o me --argjson n \'[1,2]\' \'"\\($o)/\\($n[1])", (["a b"]|@sh, @csv), ("aGk="|@base64d), ("abc"|explode|map(.+1)|implode)\'',
    ),
    (
        "jq",
        'echo \'[{"k":"a","v":1},{"k":"b","v":2}]\' | jq -r \'.[] | select(.v > 1) | .k, "\\(.k)=\\(.v)"\'',
    ),
    (
        "jq",
        'jq -nr \'reduce range(5) as $i (""; . + ($i|tostring)), (def f(x): x+1; f(3)), (if 1==2 then 1 elif true then "b" else 2 end)\'',
    ),
    (
        "jq",
        'echo \'{"a":{"b":"x"},"c":[1,2]}\' | jq -c \'.a.b |= sub("x";"y") | .c[] += 1 | .d = "z"\'; jq -n \'{a:1,"b":[2,{"c":"x"}]}\'',
    ),
    (
        "jq",
        'printf \'a\\nb\\n\' | jq -R . | jq -sc .; echo \'{"x":"1"} {"x":"2"}\' | jq -j \'.x\'; jq -nc \'[1,[2,[3]]] | flatten, ({"b":1,"a":2}|keys, to_entries)\'',
    ),
    (
        "ed",
        "printf 'a\\nb\\nc\\n' > f; printf '%s\\n' '2s/b/B&/' '$a' d e . 1d 'g/e/s/e/EE/' '/c/m0' w q | ed -s f; cat f",
    ),
    (
        "patch",
        "printf 'a\\nb\\nc\\nd\\n' > f; printf -- '--- f\\n+++ f\\n@@ -1,3 +1,4 @@\\n a\\n+x\\n b\\n-c\\n+C\\n' > p; patch -s -p0 < p; cat f; patch -s -R f p; cat f",
    ),
    (
        "openssl",
        "echo U2FsdGVkX1/D9Dt3xS3u7YgWfSoxWSuofIDKIqSNPtQ= | openssl enc -d -aes192 -md md5 -k pw -a -A 2>/dev/null",
    ),
    (
        "openssl",
        "echo U2FsdGVkX18Z2hjUQghRRd9mNqpoTMLx/RtaD7Akk/Q= | openssl enc -d -aes-256-ecb -iter 777 -md sha512 -pass pass:pw -a -A",
    ),
    (
        "tar",
        "mkdir -p d/e; echo x > d/e/f; tar czf a.tgz d; rm -r d; tar xzOf a.tgz d/e/f",
    ),
    (
        "find",
        "mkdir -p r/a/b; cd r; find * -mindepth 1 -type d -exec echo x/{} \\;; find . -name b -printf '%f %P\\n'; cd a; for d in */; do echo $d; done",
    ),
    (
        "run-parts",
        "mkdir p; printf '#!/bin/sh\\necho two\\n' > p/2; printf '#!/bin/sh\\necho one\\n' > p/1; chmod +x p/*; run-parts p",
    ),
]

SQL = [
    "sqlite3 :memory: \"select char(103,105,116) || ' ' || upper('x'), 1.5, null, replace('a-b','-','_')\"",
    "printf '.print hi\\n.separator ;\\nselect 1,2;\\n.shell echo yo\\n' | sqlite3 :memory:",
    "sqlite3 q.db \"create table t(a); insert into t values('z')\"; sqlite3 q.db 'select a from t'",
    "sqlite3 :memory: 'with recursive c(x) as (select 1 union all select x+1 from c where x<3) select x, x*x from c'",
]


def output_of(text: str) -> str:
    state = State(budget=Budget(seconds=20, steps=3_000_000))
    return run_shell(text, state, Origin(Span(1, 0, 1, 1), False))


@pytest.mark.skipif(BASH is None, reason="bash is not here to compare with")
@pytest.mark.parametrize("text", SNIPPETS, ids=[s[:60] for s in SNIPPETS])
def test_prints_what_bash_prints(text: str, tmp_path: object) -> None:
    assert output_of(text) == really_printed(text, tmp_path)


@pytest.mark.parametrize(("tool", "text"), TOOLS, ids=[s[:60] for _, s in TOOLS])
def test_prints_what_the_tool_prints(tool: str, text: str, tmp_path: object) -> None:
    if BASH is None or shutil.which(tool) is None:
        pytest.skip(f"{tool} is not here to compare with")
    assert output_of(text) == really_printed(text, tmp_path)


@pytest.mark.skipif(sys.version_info < (3, 11), reason="SQL cannot be held to its limits there")
@pytest.mark.parametrize("text", SQL)
def test_prints_what_sqlite_prints(text: str, tmp_path: object) -> None:
    if BASH is None or shutil.which("sqlite3") is None:
        pytest.skip("sqlite3 is not here to compare with")
    assert output_of(text) == really_printed(text, tmp_path)


def really_printed(text: str, folder: object) -> str:
    assert BASH is not None
    return subprocess.run(
        [BASH, "-c", text],
        cwd=str(folder),
        capture_output=True,
        text=True,
        timeout=20,
        stdin=subprocess.DEVNULL,
        check=False,
    ).stdout


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("echo $(date)", HOLE),
        ("echo a$(nvidia-smi)b", f"a{HOLE}b"),
        (f"x={HOLE}; echo $x.git", f"{HOLE}.git"),
        ("for i in $(ls); do echo $i; done", HOLE),
        ("curl -s https://example.org/x | head -1", HOLE),
        ("curl -s https://example.org/x | awk '{print $1 + 1}'", HOLE),
        ('awk \'BEGIN{print ENVIRON["NOT_KNOWN"] "a"}\'', f"{HOLE}a"),
        ("jq -nr '$ENV.NOT_KNOWN // \"x\"'", HOLE),
        ("curl -s https://example.org/x | jq -r .a", HOLE),
        ("curl -s https://example.org/x > f; printf '1s/a/b/\\nw\\n' | ed -s f; cat f", HOLE),
        ("sqlite3 other.db 'select a from t'", HOLE),
        ("echo U2FsdGVkX1/D9Dt3xS3u7YgWfSoxWSuofIDKIqSNPtQ= | openssl enc -d -aes192 -k no -a", HOLE),
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
    "awk that never ends": "awk 'BEGIN{while(1) s = s \"a\"}'",
    "awk that doubles": "awk 'BEGIN{s=\"aaaa\"; for(;;) s = s s}'",
    "awk that calls itself": "awk 'function f(x){return f(x) f(x)} BEGIN{f(1)}'",
    "awk that nests": "awk 'BEGIN{x=" + "(" * 5_000 + "1" + ")" * 5_000 + "}'",
    "awk that backtracks": "echo " + "a" * 3_000 + " | awk '{while(1) if ($0 ~ /(a*)*b/ || /a*a*a*b/) x++}'",
    "jq that doubles": "jq -n '" + "[.,.] | " * 60 + ". | tostring'",
    "jq that multiplies": "jq -n '\"a\" * 1000000 * 1000000, ([range(1000000)] | map([range(1000000)]))'",
    "jq that calls itself": "jq -n 'def f: [f, f]; f'",
    "jq that nests": "jq -n '" + "[" * 5_000 + "]" * 5_000 + "'",
    "rows without end": "sqlite3 :memory: 'with recursive c(x) as (select 1 union all select x+1 from c) select x from c'",
    "rows that double": "sqlite3 :memory: \"with recursive c(x) as (select 'ab' union all select x||x from c) select length(x) from c\"",
    "rows by rows": "sqlite3 :memory: 'create table t(x); insert into t values (1),(2),(3),(4),(5),(6),(7),(8); "
    "select count(*) from t a,t b,t c,t d,t e,t f,t g,t h,t i,t j,t k,t l'",
    "many rounds for a key": "echo AAAA | openssl enc -d -aes-256-cbc -pbkdf2 -iter 999999999 -k x -a",
    "rounds again and again": "while :; do i=$i.; echo AAAA$i | openssl enc -d -aes-256-cbc -pbkdf2 -iter 90000 -k x -a; done",
    "great numbers": "dc -e '2 9999 ^ 9999 ^ 9999 ^ P 9[d*lax]salax'",
    "start-up file that starts shells": "echo 'bash -c :; bash -c :' > e; export BASH_ENV=e; bash -c :",
    "references in a ring": "declare -n a=b; declare -n b=a; a=1; echo $a $b",
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
