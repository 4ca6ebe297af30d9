"""How languages are written, and which of their calls start programs, fetch, install or import."""

from __future__ import annotations

from typing import NamedTuple


class Language(NamedTuple):
    """How a language is read, and what its calls do; names are last segments, lower case."""

    comment: str  # regular expression of comments
    system: str = ""  # a string is shell text; several arguments are an argument vector
    argv: str = ""  # program and arguments
    code: str = ""  # program text in the same language
    fetch: str = ""  # an address in the first argument
    clone: str = ""  # an address of a repository
    install: str = ""  # names of packages
    ecosystem: str = ""
    github: str = ""  # `owner/name`
    imports: str = ""  # words before a module's name
    prints: str = "print puts println printf echo say write log cat"
    backquote: str = "text"  # what `…` means: text, shell, command
    joining: str = ". + .. ~ & <> ++"
    python: str = ""  # a string is Python
    first: int = 0  # number of a list's first item
    blocks: str = ""  # words that open what `end` closes
    places: str = ""  # regular expression of what stands for a value in a string
    patterns: bool = False  # whether /…/ is a regular expression
    arguments: str = ""  # what holds the arguments of the program


_SIGIL = (
    r"(?<!\\)(?:[$@]\{([^{}]*)\}|\{(\$[^{}]*(?:\{[^{}]*\}[^{}]*)?)\}"
    r"|([$@]\$?\w+(?:(?:->)?(?:\[[^\[\]]*\]|\{[^{}]*\})|->\w+)*))"
)
_DOLLAR = r"(?<!\\)\$(?:\(((?:[^()]|\([^()]*\))*)\)|\{([^{}]*)\}|(\w+))"
_HASH = r"#[^\n]*"
_SLASHES = r"//[^\n]*|/\*.*?(?:\*/|$)"
#: By name, lower case.
LANGUAGES: dict[str, Language] = {
    "javascript": Language(
        _SLASHES,
        system="exec execsync shell $ execa execacommand",
        argv="spawn spawnsync execfile execfilesync fork command run execasync",
        code="eval function runinthiscontext runinnewcontext compilefunction",
        fetch="fetch get request download importscripts open axios got",
        imports="require import from",
        places=r"(?<!\\)\$\{([^{}]*)\}",
        patterns=True,
        arguments="process.argv",
    ),
    "r": Language(
        _HASH,
        system="system shell shell.exec",
        argv="system2 run exec_wait exec_background exec_internal process",
        code="eval parse source evalq",
        fetch=(
            "download.file url curl_download curl get git_clone read.csv readlines fread readrds source "
            "download getbinaryurl geturl curl_fetch_memory multi_download request"
        ),
        clone="clone git_clone",
        install="install.packages install pkg_install",
        ecosystem="cran",
        github=(
            "install_github install_gitlab install_bitbucket pak pkg_install install_git install_url "
            "install_svn install"
        ),
        imports="library require requirenamespace loadnamespace attachnamespace p_load",
        python="py_run_string py_eval",
        joining="+",
        first=1,
        arguments="commandArgs",
    ),
    "julia": Language(
        r"#=.*?=#|#[^\n]*",
        system="run success read readchomp pipeline readlines eachline open detach ignorestatus cmd",
        code="include_string parse eval",
        fetch="download urldownload get request",
        clone="clone",
        install="add develop",
        ecosystem="julia",
        imports="using import",
        backquote="command",
        joining="* ^",
        first=1,
        blocks="function if for while begin let try struct do module quote macro",
        places=_DOLLAR,
        arguments="ARGS",
    ),
    "perl": Language(
        r"(?:(?<=\s)|^)#[^\n]*|^=\w+.*?^=cut",
        system="system exec readpipe open qx capture",
        argv="open3 open2 run",
        code="eval",
        fetch="get getstore mirror getprint head request",
        imports="use require",
        backquote="shell",
        places=_SIGIL,
        patterns=True,
        arguments="ARGV",
    ),
    "ruby": Language(
        r"(?:(?<=\s)|^)#(?!\{)[^\n]*|^=begin.*?^=end",
        system=(
            "system exec spawn popen popen2 popen2e popen3 capture2 capture2e capture3 pipeline "
            "pipeline_r sh popen4 cmd run open %x"
        ),
        code="eval instance_eval class_eval module_eval",
        fetch="open get get_response urlopen parse download",
        clone="clone",
        imports="require load",
        backquote="shell",
        blocks="def if unless while until for case begin class module do",
        places=r"#\{((?:[^{}]|\{[^{}]*\})*)\}",
        patterns=True,
        arguments="ARGV",
    ),
    "php": Language(
        _SLASHES + r"|(?:(?<=\s)|^)#[^\n]*",
        system="system exec shell_exec passthru popen proc_open",
        argv="pcntl_exec",
        code="eval assert create_function",
        fetch="file_get_contents fopen copy curl_init readfile file get_headers include require",
        backquote="shell",
        places=_SIGIL,
        arguments="argv",
    ),
    "lua": Language(
        r"--\[\[.*?\]\]|--[^\n]*",
        system="execute popen",
        code="load loadstring dostring",
        fetch="request",
        imports="require",
        joining="..",
        first=1,
        blocks="function if do",
        arguments="arg",
    ),
    "tcl": Language(
        r"(?:(?<=[\n;])|^)\s*#[^\n]*", argv="exec", system="open", fetch="geturl", imports="package"
    ),
    "c": Language(
        _SLASHES,
        system="system popen _popen wordexp",
        argv="execl execlp execle execlpe execv execvp execvpe posix_spawn posix_spawnp",
        fetch="curl_easy_setopt",
    ),
    "go": Language(
        _SLASHES,
        argv="command commandcontext exec startprocess forkexec",
        fetch="get head post newrequest",
        clone="plainclone",
        prints="print println printf",
    ),
    "rust": Language(_SLASHES, argv="new", fetch="get"),
    "java": Language(
        _SLASHES,
        system="exec",
        argv="processbuilder command",
        fetch="url uri openstream create",
        code="eval evaluate",
        prints="print println printf",
        places=_DOLLAR,
    ),
    "scala": Language(
        _SLASHES,
        system="! !! lazylines exec",
        argv="process processbuilder",
        fetch="fromurl url",
        places=_DOLLAR,
    ),
    "groovy": Language(_SLASHES, system="execute exec", code="evaluate", fetch="url tourl", places=_DOLLAR),
    "octave": Language(
        r"[%#][^\n]*",
        system="system unix dos shell_cmd",
        fetch="urlwrite websave urlread webread",
        code="eval evalc",
        install="install",
        ecosystem="octave",
        joining="",
        first=1,
    ),
    "elixir": Language(
        _HASH,
        system="shell cmd",
        argv="cmd open",
        code="eval_string",
        fetch="get get!",
        joining="<> ++",
        blocks="do fn",
        places=r"#\{((?:[^{}]|\{[^{}]*\})*)\}",
    ),
    "haskell": Language(
        r"--[^\n]*|\{-.*?-\}",
        system="system callcommand shell readcreateprocess",
        argv="callprocess readprocess proc rawsystem spawnprocess",
        joining="++ <>",
    ),
    "csharp": Language(
        _SLASHES,
        argv="start processstartinfo",
        fetch="downloadfile downloadstring getstringasync getasync",
        joining="+",
    ),
    "ocaml": Language(
        r"\(\*.*?\*\)",
        system="command system open_process_in open_process",
        argv="execvp execv create_process",
        joining="^",
    ),
    "nim": Language(
        _HASH,
        system="execshellcmd execcmd execcmdex execprocess",
        argv="startprocess",
        fetch="getcontent downloadfile",
        joining="&",
    ),
    "lisp": Language(
        r";[^\n]*",
        system="run-program run-shell-command shell sh system shell-command call-process-shell-command",
        argv="call-process start-process",
        joining="",
    ),
    "python": Language(_HASH, system="", prints="print write", joining="+"),
    "other": Language(
        _HASH, system="system exec popen shell run_shell spawn", fetch="download fetch", backquote="text"
    ),
}
_OTHER_NAMES = {
    "node": "javascript",
    "deno": "javascript",
    "bun": "javascript",
    "js": "javascript",
    "typescript": "javascript",
    "ts": "javascript",
    "ts-node": "javascript",
    "tsx": "javascript",
    "ir": "r",
    "rscript": "r",
    "irkernel": "r",
    "littler": "r",
    "jruby": "ruby",
    "irb": "ruby",
    "crystal": "ruby",
    "tclsh": "tcl",
    "wish": "tcl",
    "expect": "tcl",
    "c++": "c",
    "cpp": "c",
    "c++11": "c",
    "c++14": "c",
    "c++17": "c",
    "kotlin": "java",
    "jshell": "java",
    "f#": "csharp",
    "c#": "csharp",
    "fsharp": "csharp",
    "matlab": "octave",
    "scilab": "octave",
    "iex": "elixir",
    "erlang": "elixir",
    "runghc": "haskell",
    "sbcl": "lisp",
    "clisp": "lisp",
    "emacs": "lisp",
    "scheme": "lisp",
    "racket": "lisp",
    "guile": "lisp",
    "clojure": "lisp",
    "evcxr": "rust",
    "gophernotes": "go",
    "gonb": "go",
    "lisp": "lisp",
    "osascript": "other",
}


def language_of(name: str) -> str:
    """Name of the language that a program or a kernel of this name reads."""
    return _OTHER_NAMES.get(name, name)
