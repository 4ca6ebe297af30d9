"""Heaps, queues, pipes and futures: what is put in here is taken out there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from jupyter_tos_guard.inspection.python import library, methods
from jupyter_tos_guard.inspection.python.arguments import Arguments, Keywords
from jupyter_tos_guard.inspection.python.carriers.given import native
from jupyter_tos_guard.inspection.python.values import UNKNOWN, Generator, Namespace, Native, Symbol, Value

if TYPE_CHECKING:
    from jupyter_tos_guard.inspection.python.evaluation import Evaluator


#: Items of a heap: it is sorted anew at each push.
_MAX_HEAP: Final = 5000


def heap(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``heapq``: a list that is kept sorted as far as its order is known."""
    word = symbol.name.rpartition(".")[2]
    if word == "merge":
        found = [each for part in arguments for each in self.items(part)]
        return Generator(found if len(found) > _MAX_HEAP else methods.sort(self, found, keywords) or found)
    values = arguments[0] if arguments else UNKNOWN
    if type(values) is not list or len(values) > _MAX_HEAP:
        return UNKNOWN
    if word in ("heappush", "heappushpop") and len(arguments) > 1:
        values.append(arguments[1])
    ordered = methods.sort(self, values, {})
    if ordered is not None:
        values[:] = ordered
    taken = None
    if "pop" in word or word == "heapreplace":
        taken = methods.call(self, values, "pop", [0], {})
    if word == "heapreplace" and len(arguments) > 1:
        values.append(arguments[1])
    return taken


def ordered_queue(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``queue.PriorityQueue()`` and ``queue.LifoQueue()``."""
    values: list[Value] = []
    first = "Priority" in symbol.name

    def put(given: Arguments) -> Value:
        values.extend(given[:1])
        return None

    def get(given: Arguments) -> Value:
        now = self.current()
        ordered = methods.sort(now, values, {}) if first else None
        if ordered is not None:
            values[:] = ordered
        return methods.call(now, values, "pop", [0 if first else -1], {}) if values else UNKNOWN

    return Namespace(
        "queue",
        {
            **dict.fromkeys(("put", "put_nowait"), native(put)),
            **dict.fromkeys(("get", "get_nowait"), native(get)),
            "empty": native(lambda given: not values),
            "qsize": native(lambda given: len(values)),
            **dict.fromkeys(("task_done", "join"), native(lambda given: None)),
        },
    )


def _future(self: Evaluator, result: Value = UNKNOWN) -> Namespace:
    held = [result]
    waiting: list[Value] = []

    def settle(given: Arguments) -> Value:
        held[:] = given[:1]
        for each in waiting:
            self.current().defer(each, [made], {})
        return None

    def add(given: Arguments) -> Value:
        waiting.extend(given[:1])
        if given and held != [UNKNOWN]:
            self.current().defer(given[0], [made], {})
        return None

    made = Namespace(
        "future",
        {
            **dict.fromkeys(("result", "get"), native(lambda given: held[0] if held else UNKNOWN)),
            "set_result": native(settle),
            "add_done_callback": native(add),
            **dict.fromkeys(("done", "ready", "successful"), native(lambda given: True)),
            **dict.fromkeys(("exception", "wait", "cancel"), native(lambda given: None)),
        },
    )
    return made


def future(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``concurrent.futures.Future()``: a result that the program sets itself."""
    return _future(self)


def submit(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``pool.submit(function, *arguments)``, ``apply_async``, ``map``: what the function returns, later."""
    word = symbol.name.rpartition(".")[2]
    if word == "run_in_executor":
        arguments = arguments[1:]
    if not arguments:
        return UNKNOWN
    function, given = arguments[0], list(arguments[1:])
    if "map" in word or "imap" in word:
        columns = [self.items(each) for each in given]
        rows = map(list, zip(*columns, strict=False))
        if word.startswith("starmap"):
            rows = map(self.items, columns[0] if columns else [])
        found = [self.defer(function, row, {}) for row in self._few(rows)]
        return _future(self, found) if word.endswith("async") else Generator(found)
    if word.startswith("apply"):
        keywords = given[1] if len(given) > 1 and type(given[1]) is dict else keywords.get("kwds", {})
        given = self.items(given[0]) if given else []
    result = self.defer(function, given, keywords if type(keywords) is dict else {})
    return result if word in ("apply", "to_thread") else _future(self, result)


def pipe(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``multiprocessing.Pipe()``: what is sent into one end is received at the other."""
    ways: tuple[list[Value], list[Value]] = ([], [])

    def end(out: list[Value], into: list[Value]) -> Namespace:
        def send(given: Arguments) -> Value:
            out.extend(given[:1])
            return None

        def receive(given: Arguments) -> Value:
            return methods.call(self.current(), into, "pop", [0], {}) if into else UNKNOWN

        return Namespace(
            "connection",
            {
                **dict.fromkeys(("send", "send_bytes"), native(send)),
                **dict.fromkeys(("recv", "recv_bytes"), native(receive)),
                "poll": native(lambda given: bool(into)),
                "close": native(lambda given: None),
            },
        )

    return (end(*ways), end(*ways[::-1]))


def sorter(self: Evaluator, symbol: Symbol, arguments: Arguments, keywords: Keywords) -> Value:
    """``graphlib.TopologicalSorter(graph)``: what comes after what it needs."""
    made: Any = library.stdlib("graphlib").TopologicalSorter()
    graph = arguments[0] if arguments else keywords.get("graph")

    def add(given: Arguments) -> Value:
        self.current().budget.spend(1 + len(given))
        if all(library.is_hashable(each) for each in given):
            made.add(*given)
        return None

    def method(word: str) -> Native:
        def call(given: Arguments) -> Value:
            try:
                found = getattr(made, word)(*given)
                return tuple(found) if word in ("static_order", "get_ready") else found
            except ValueError:  # nodes in a circle, a step at the wrong time
                return UNKNOWN

        return native(call)

    for node, needed in graph.items() if type(graph) is dict else ():
        add([node, *self.items(needed)])
    words = ("static_order", "prepare", "get_ready", "done", "is_active")
    return Namespace("sorter", {"add": native(add), **{word: method(word) for word in words}})


#: Executors and pools; the first three are those of ``concurrent.futures``.
_POOLS: Final = (
    "ThreadPoolExecutor ProcessPoolExecutor Executor multiprocessing.Pool multiprocessing.pool.ThreadPool "
    "multiprocessing.pool.Pool multiprocessing.dummy.Pool"
).split()
HANDLERS: Final[dict[str, Any]] = {
    **dict.fromkeys(
        [f"heapq.{word}" for word in "heappush heappop heappushpop heapreplace heapify merge".split()], heap
    ),
    "queue.PriorityQueue": ordered_queue,
    "queue.LifoQueue": ordered_queue,
    "multiprocessing.Pipe": pipe,
    "graphlib.TopologicalSorter": sorter,
    **dict.fromkeys(
        "concurrent.futures.Future asyncio.Future asyncio.get_running_loop.create_future "
        "asyncio.get_event_loop.create_future asyncio.new_event_loop.create_future".split(),
        future,
    ),
    **dict.fromkeys(
        [f"concurrent.futures.{each}.{word}" for each in _POOLS[:3] for word in ("submit", "map")]
        + [
            f"{each}.{word}"
            for each in _POOLS[3:]
            for word in "apply apply_async map map_async imap imap_unordered starmap".split()
        ]
        + ["asyncio.to_thread"]
        + [f"asyncio.{each}.run_in_executor" for each in ("get_running_loop", "get_event_loop")],
        submit,
    ),
}
