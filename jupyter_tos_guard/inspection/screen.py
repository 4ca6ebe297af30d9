"""The cheap first pass: whether a cell can do anything that a rule could be about.

It over-approximates: a cell that it clears provably reaches no sink, because
none of the names through which Python, IPython or this session reach one
occurs in it. What it does not clear is parsed and evaluated by
:mod:`.evaluation`. It finds no facts.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from typing import NamedTuple

_WORD = re.compile(r"\w+")
#: What separates words in ASCII text, as spaces: twice as fast as the pattern.
_SEPARATORS = {code: " " for code in range(128) if not (chr(code).isalnum() or chr(code) == "_")}

#: Magics that "automagic" lets people write without the ``%``, as far as they can do something.
_AUTOMAGIC = frozenset(
    "pip pip3 uv mamba micromamba conda run sx sc system load load_ext rerun recall macro alias cd env "
    "set_env store edit ed rehashx script bash sh cp mv aimport dotenv".split()
)
#: Lines that IPython hands to a magic or a shell: escapes, assignments from them, bare magics.
_IPYTHON_LINE = re.compile(
    r"^[^\S\n]*(?:[!%]|(?:" + "|".join(sorted(_AUTOMAGIC)) + r")[^\S\n]+[^\s=.,)(])"
    r"|=[^\S\n]*(?:\\\n[^\S\n]*)?[!%]",
    re.MULTILINE,
)

#: Names by which Python code runs, fetches or renames things without importing
#: a module for it in the same cell, or reaches such a name without writing it.
#: A word that is here and harmless costs one parse; a missing one is a hole.
SINKS = frozenset(
    # run text as code, or reach objects by computed names
    "execfile __import__ import_module start_ipython launch_new_instance embed_kernel pipepager hub "
    "displayhook redirect_stdout run_path run_module load_module exec_module "
    "getattr setattr __dict__ __getattribute__ __getattr__ __builtins__ builtins "
    "__class__ __subclasses__ __globals__ __code__ __closure__ __self__ __mro__ __base__ __bases__ "
    "__del__ __reduce__ __reduce_ex__ __loader__ attrgetter methodcaller modules FunctionType CodeType "
    "InteractiveInterpreter InteractiveConsole "
    # IPython
    "get_ipython InteractiveShell run_line_magic run_cell_magic run_cell run_code system_raw system_piped "
    "getoutput getoutputs _ih _oh _ii _iii Javascript "
    # processes
    "system popen popen2 popen3 popen4 Popen startfile check_output check_call getstatusoutput "
    "execv execve execvp execvpe execl execle execlp execlpe spawnl spawnle spawnlp spawnlpe spawnv spawnve "
    "spawnvp spawnvpe posix_spawn posix_spawnp fork forkpty create_subprocess_shell create_subprocess_exec "
    "subprocess_shell subprocess_exec fork_exec CDLL PyDLL dlopen LoadLibrary "
    # fetch
    "urlopen urlretrieve get_file download_url download_url_to_file snapshot_download hf_hub_download "
    "clone_from sitecustomize usercustomize CodecInfo "
    # change what later commands and scripts find: files, environment, folder
    "testmod testfile run_docstring_examples load_dotenv dotenv_values environ argv putenv mark_install "
    "write write_text write_bytes writelines writestr renames symlink symlink_to "
    "hardlink_to shutil copyfile copytree copy2 chdir chmod extractall unpack_archive "
    # this package and the files that load it
    "jupyter_tos_guard tos_guard jupyter_tos_guard_config ipython_kernel_config ipython_config".split()
)

#: Builtins of the same sort whose names are also harmless methods (``model.eval()``,
#: ``re.compile``): they count where no dot stands before them. By way of a
#: module they are reached through a name that is in :data:`SINKS`.
BARE = frozenset("exec eval compile globals locals vars In Out".split())
_BARE_USE = re.compile(r"(?<![\w.])(?:" + "|".join(sorted(BARE)) + r")\b")

#: ``df.rename(columns=…)`` is everywhere, ``os.rename`` is not.
_RENAMES = frozenset("rename replace link dump".split())
_RENAME_USE = re.compile(
    r"\b(?:os|json)\s*\.\s*(?:rename|replace|link|dump)\b|(?:[pP]ath|[fF]ile)\w*\W{0,40}\.rename\b"
)

#: Modules that offer such things under names of their own; importing one makes
#: the names that it binds worth following (see :class:`.history.History`).
#: ``os`` and its like are not here: their sinks have telling names, above.
SINK_MODULES = frozenset(
    "subprocess pty pexpect sh plumbum invoke fabric commands _posixsubprocess popen2 ctypes cffi psutil "
    "xonsh sarge delegator envoy docker paramiko asyncssh sshtunnel netmiko terminado importlib runpy imp "
    "code codeop pickle cPickle _pickle dill cloudpickle joblib marshal shelve jsonpickle urllib urllib2 "
    "urllib3 requests httpx aiohttp http wget gdown pooch pycurl curl_cffi treq mechanize grequests "
    "cloudscraper requests_html huggingface_hub kagglehub opendatasets fsspec smart_open git dulwich "
    "pygit2 github ftplib telnetlib socket websocket websockets smtplib scapy insightface onnxruntime pip "
    "piplite micropip conda ensurepip condacolab site jupyter_client nbclient papermill nbconvert "
    "nbformat zipimport __main__ webbrowser pydoc distutils setuptools selenium playwright pyppeteer "
    "splinter rpy2 lupa ssl zmq libtmux pytest unittest".split()
)


#: ``print(text, file=f)`` writes without a word for it.
_PRINTED = frozenset({"print", "file"})
_PRINT_USE = re.compile(r"\bfile\s*=(?!=)")


def find_words(text: str) -> frozenset[str]:
    """Return identifiers, keywords and numbers of a text, in the form in which Python reads them."""
    if text.isascii():
        return frozenset(text.translate(_SEPARATORS).split())
    return frozenset(_WORD.findall(unicodedata.normalize("NFKC", text)))


def _normal(text: str) -> str:
    return text if text.isascii() else unicodedata.normalize("NFKC", text)


class Screening(NamedTuple):
    """What the first pass saw.

    ``words`` are the identifiers, keywords and numbers of the cell, each once.
    """

    clear: bool
    words: frozenset[str]


class Screen:
    """The first pass for one session; it remembers which words are harmless modules.

    Parameters
    ----------
    interesting : callable
        Whether a top-level module's name occurs in any rule: importing another
        one is no fact that a rule could see.
    """

    #: Enough for every name of a long session; emptied when full, never grown past.
    MAX_KNOWN = 20_000

    def __init__(self, interesting: Callable[[str], bool]) -> None:
        self._interesting = interesting
        self._boring: set[str] = set()

    def __call__(self, source: str, hot: set[str]) -> Screening:
        """Screen one cell; ``hot`` are this session's own names that lead to sinks."""
        words = find_words(source)
        clear = (
            SINKS.isdisjoint(words)
            and hot.isdisjoint(words)
            and (
                ("%" not in source and "!" not in source and _AUTOMAGIC.isdisjoint(words))
                or not _IPYTHON_LINE.search(source)
            )
            and (not words >= _PRINTED or not _PRINT_USE.search(_normal(source)))
            and (BARE.isdisjoint(words) or not _BARE_USE.search(_normal(source)))
            and (_RENAMES.isdisjoint(words) or not _RENAME_USE.search(_normal(source)))
            and ("import" not in words or self._imports_nothing(source))
        )
        return Screening(clear, words)

    def _imports_nothing(self, source: str) -> bool:
        """Whether no line that may be an import names a module worth a look."""
        if "\\\n" not in source:  # an import may go on behind a backslash: then all lines count
            source = "\n".join([line for line in source.split("\n") if "import" in line])
        words = find_words(source)
        if not SINK_MODULES.isdisjoint(words):
            return False
        boring = self._boring
        new = words - boring
        if new:
            if len(boring) > self.MAX_KNOWN:
                boring.clear()
            interesting = self._interesting
            for word in new:
                if interesting(word):
                    return False
            boring |= new
        return True
