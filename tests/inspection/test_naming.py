"""One name for each thing, however it is spelled."""

from __future__ import annotations

import pytest

from jupyter_tos_guard.inspection import naming
from jupyter_tos_guard.inspection.facts import HOLE


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("HTTPS://GitHub.COM:443/A/B.git#readme", "https://github.com/a/b.git"),
        ("http://example.org", "https://example.org"),
        ("http://example.org:80/", "https://example.org"),
        ("http://example.org:8080/x", "https://example.org:8080/x"),
        ("https://user:pass@example.org/x", "https://example.org/x"),
        ("https://github.com@evil.example/x", "https://evil.example/x"),
        ("https://example.org./a/./b/../c//d/", "https://example.org/a/c/d"),
        ("https:/example.org/x", "https://example.org/x"),
        ("https:\\\\example.org\\x", "https://example.org/x"),
        ("https://example.org/%41%2e%62?q=%7a", "https://example.org/a.b?q=z"),
        ("https://%65xample.org/x", "https://example.org/x"),
        ("https://exam\u00adple.org/x", "https://example.org/x"),
        ("https://ｅｘａｍｐｌｅ．ｏｒｇ/x", "https://example.org/x"),
        ("https://example。org/x", "https://example.org/x"),
        ("https://bücher.example/x", "https://xn--bcher-kva.example/x"),
        ("http://2130706433/x", "https://127.0.0.1/x"),
        ("http://0x7f.1/x", "https://127.0.0.1/x"),
        ("http://0177.0.0.01/x", "https://127.0.0.1/x"),
        ("http://[::FFFF:7F00:1]:80/x", "https://127.0.0.1/x"),
        ("http://[2001:DB8::0:1]/x", "https://[2001:db8::1]/x"),
        ("git@GitHub.com:Owner/Name.git", "ssh://github.com/owner/name.git"),
        ("git+https://example.org/o/n@main#egg=n", "https://example.org/o/n@main"),
        ("stratum+tcp://Pool.Example:3333", "stratum+tcp://pool.example:3333"),
        ("magnet:?xt=urn:btih:ABC&dn=x", "magnet:?xt=urn:btih:abc&dn=x"),
        ("wss://example.org:443/s", "wss://example.org/s"),
        (f"https://example.org/{HOLE}/x", f"https://example.org/{HOLE}/x"),
    ],
)
def test_address_has_one_spelling(written: str, canonical: str) -> None:
    assert naming.canonical_url(written) == canonical


@pytest.mark.parametrize(
    "text", ["data.csv", "C:x", "pypi:name", "a:b:c", "", "x" * 100_000, "https://", "just words"]
)
def test_other_text_is_no_address(text: str) -> None:
    assert naming.canonical_url(text) == ""


@pytest.mark.parametrize(
    "written",
    [
        "https://github.com/Owner/Name",
        "https://github.com/owner/name.git",
        "git://github.com/owner/name.git/",
        "git@github.com:owner/name.git",
        "ssh://git@ssh.github.com:443/owner/name.git",
        "https://www.github.com/owner/name/tree/main/sub",
        "https://github.com/owner/name/archive/refs/heads/main.zip",
        "https://github.com/owner/name/releases/download/v1/x.tar.gz",
        "https://github.com/owner/name/raw/main/x.py",
        "https://raw.githubusercontent.com/owner/name/main/x.py",
        "https://media.githubusercontent.com/media/owner/name/main/x.bin",
        "https://codeload.github.com/owner/name/zip/refs/heads/main",
        "https://api.github.com/repos/owner/name/zipball",
        "https://cdn.jsdelivr.net/gh/owner/name@1.0/x.js",
        "https://fastly.jsdelivr.net/gh/owner/name/x.js",
        "https://cdn.statically.io/gh/owner/name/main/x.js",
        "https://rawcdn.githack.com/owner/name/abc/x.js",
        "https://ghproxy.com/https://github.com/owner/name",
        "https://mirror.example/github.com/owner/name.git",
        "https://gh.example/https%3A%2F%2Fgithub.com%2Fowner%2Fname",
        "https://proxy.example/?url=https%3A%2F%2Fraw.githubusercontent.com%2Fowner%2Fname%2Fmain%2Fx",
        "https://web.archive.org/web/2024id_/https://github.com/owner/name/archive/x.zip",
        "https://github-com.translate.goog/owner/name?_x_tr_sl=en",
        "https://kgithub.com/owner/name",
        "https://hub.fastgit.xyz/owner/name",
        "https://github.com.cnpmjs.org/owner/name",
        "https://colab.research.google.com/github/owner/name/blob/main/x.ipynb",
        "https://mybinder.org/v2/gh/owner/name/HEAD",
        "https://proxy.golang.org/github.com/owner/name/@v/list",
        "https://github.com/%6Fwner/n%61me",
        "http://github.com:80//owner//name//",
        "git+https://github.com/owner/name@main#egg=x",
    ],
)
def test_repository_is_found_behind_every_address(written: str) -> None:
    assert naming.repository_of(written) == "github.com/owner/name"


@pytest.mark.parametrize(
    ("written", "repository"),
    [
        ("https://gist.github.com/Owner/ABC123", "gist.github.com/owner/abc123"),
        ("https://gist.githubusercontent.com/owner/abc123/raw/x.py", "gist.github.com/owner/abc123"),
        ("https://gist.github.com/abc123.git", "gist.github.com/abc123"),
        ("https://gitlab.com/group/sub/name/-/archive/main/x.zip", "gitlab.com/group/sub/name"),
        ("https://gitlab.com/api/v4/projects/group%2Fname/repository/archive", "gitlab.com/group/name"),
        ("https://bitbucket.org/o/n/get/main.zip", "bitbucket.org/o/n"),
        ("https://hf-mirror.com/owner/name/resolve/main/x", "huggingface.co/owner/name"),
        ("https://huggingface.co/spaces/owner/name", "huggingface.co/spaces/owner/name"),
        ("https://owner-name.hf.space/", "huggingface.co/spaces/owner/name"),
        ("https://downloads.sourceforge.net/project/name/x.zip", "sourceforge.net/projects/name"),
        ("https://git.example.org/team/name.git", "git.example.org/team/name"),
        ("https://github.com/features/actions", None),
        ("https://github.com/owner", None),
        ("https://example.org/owner/name", None),
        ("https://docs.github.com/en/rest", None),
    ],
)
def test_repositories_elsewhere(written: str, repository: str | None) -> None:
    assert naming.repository_of(written) == repository


@pytest.mark.parametrize(
    ("ecosystem", "written", "name"),
    [
        ("pypi", "Colab_SSH", "pypi:colab-ssh"),
        ("pypi", "a--B..c", "pypi:a-b-c"),
        ("docker", "docker.io/library/tor:latest", "docker:tor"),
        ("docker", "docker://Owner/Name@sha256:00", "docker:owner/name"),
        ("docker", "registry.example:5000/a/b:1", "docker:registry.example:5000/a/b"),
        ("apt", "Tor", "apt:tor"),
    ],
)
def test_packages_have_one_name(ecosystem: str, written: str, name: str) -> None:
    assert naming.package(ecosystem, written) == name


@pytest.mark.parametrize(
    ("written", "name", "url"),
    [
        ("numpy", "numpy", ""),
        ("Foo.Bar[a,b]>=1,<2; python_version>'3'", "foo-bar", ""),
        ("foo @ https://example.org/foo-1.0.tar.gz", "foo", "https://example.org/foo-1.0.tar.gz"),
        ("git+https://github.com/o/n.git@v1#egg=Foo", "foo", "git+https://github.com/o/n.git#egg=Foo"),
        (
            "https://example.org/foo_bar-1.2-py3-none-any.whl",
            "foo-bar",
            "https://example.org/foo_bar-1.2-py3-none-any.whl",
        ),
        ("./dist/foo-1.0-py3-none-any.whl", "foo", ""),
    ],
)
def test_requirements(written: str, name: str, url: str) -> None:
    assert naming.requirement(written) == (name, url)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://files.pythonhosted.org/packages/a/b/pproxy-2.7.8-py3-none-any.whl", "pypi:pproxy"),
        ("https://conda.anaconda.org/conda-forge/linux-64/xmrig-6.2-h1_0.conda", "conda:xmrig"),
        ("https://registry.npmjs.org/localtunnel/-/localtunnel-2.0.tgz", "npm:localtunnel"),
        ("https://unpkg.com/@scope/name@1/x.js", "npm:@scope/name"),
        ("https://huggingface.co/owner/name/resolve/main/x.bin", "huggingface:owner/name"),
        ("https://example.org/x-1.0.whl", None),
    ],
)
def test_packages_behind_addresses(url: str, name: str | None) -> None:
    assert naming.package_of_url(url) == name
