"""A Firstlight plugin in Python: one file, nothing but the standard library.

    import firstlight

    plugin = firstlight.Plugin("hello", "1.0.0")

    @plugin.command("hello", about="Says hello.", arguments=[firstlight.text("name", default="you")])
    def hello(call):
        return f"Hello, {call.arguments['name']}!"

    plugin.run()

The protocol is JSON-RPC 2.0, one message to a line: docs/plugins/protocol.md. Standard output belongs
to it; `print` is redirected to the error output, which is the plugin's log.
"""

import base64
import inspect
import json
import queue
import sys
import threading
import traceback

API_VERSION = "1.0"
WORKERS = 8


class HostError(Exception):
    """The gateway did not do what was asked; `kind` says why: `not_granted`, `limit`, `busy` …"""

    def __init__(self, kind, message, detail=None):
        super().__init__(message)
        self.kind, self.detail = kind, detail or {}


class Error(Exception):
    """What a plugin answers when something does not work: shown to the operator, perhaps to a user.
    `kind` is `settings`, `unknown`, `arguments` or `failed`."""

    def __init__(self, message, kind="failed"):
        super().__init__(message)
        self.kind = kind


class Call:
    """A message for a handler: `handler`, `event`, `arguments`, and `text` of the message."""

    def __init__(self, params):
        self.handler, self.event = params["handler"], params["event"]
        self.arguments = params.get("arguments") or {}
        self.text = self.event.get("text", "")


def message(*pieces):
    """A message of texts and pieces; see `image` and `mention`."""
    return [_piece(piece) for piece in pieces]


def image(address):
    return {"type": "image", "data": {"file": address}}


def mention(person):
    return {"type": "at", "data": {"qq": person}}


def _piece(piece):
    return {"type": "text", "data": {"text": piece}} if isinstance(piece, str) else piece


def reply(*messages, flow="go_on", ask=None):
    """What a handler brings about. Each message is a text or a list of pieces; `flow` is `go_on`,
    `no_model` or `stop`; `ask` is a question to the model in the name of the sender."""
    asked = {"prompt": ask} if isinstance(ask, str) else ask
    said = [message(one) if isinstance(one, str) else one for one in messages]
    return {"messages": said, "flow": flow, "ask": asked}


def argument(name, kind, about="", named=False, **need):
    """An argument of a command; `default=…` or `optional=True` make it one that need not be given."""
    wanted = "required"
    if "default" in need:
        wanted = {"default": need["default"]}
    elif need.get("optional"):
        wanted = "optional"
    return {"name": name, "kind": kind, "about": about, "named": named, "need": wanted}


def text(name, **more):
    return argument(name, "text", **more)


def integer(name, **more):
    return argument(name, "int", **more)


def rest(name, **more):
    return argument(name, "rest", **more)


def choice(name, words, **more):
    return argument(name, {"choice": list(words)}, **more)


class Plugin:
    """A plugin. Name and version are those of its plugin.toml. Functions given to it may be called
    from several threads at the same time."""

    def __init__(self, name, version, settings_schema=None):
        self.name, self.version, self.settings_schema = name, version, settings_schema
        self.settings = {}
        self._handlers, self._hooks, self._routes, self._tools = {}, {}, {}, {}
        self._moments, self._declared = {}, {"handlers": [], "hooks": [], "routes": [], "tools": []}
        self._output, self._lock, self._next = None, threading.Lock(), 0
        self._waiting, self._gone = {}, False

    # What a plugin takes and offers.

    def command(self, word, about="", arguments=(), aliases=(), **more):
        naming = {"word": word, "aliases": list(aliases), "parent": None}
        trigger = {"command": {"naming": naming, "arguments": list(arguments)}}
        return self._handler({"name": word, "about": about, "trigger": trigger, **more})

    def listen(self, name, filter="any", about="", **more):
        """Every message that the filter lets through, such as `{"regex": "https?://"}`."""
        return self._handler({"name": name, "about": about, "trigger": "message", "filter": filter, **more})

    def hook(self, kind, priority=0):
        """`model_request`, `model_response` and `decorating` are given the event and a value that
        they may change in place; the other kinds the event alone."""
        self._declared["hooks"].append({"kind": kind, "priority": priority})
        return lambda function: self._hooks.setdefault(kind, function)

    def route(self, method, path, description=""):
        self._declared["routes"].append({"method": method, "path": path, "description": description})
        return lambda function: self._routes.setdefault((method, path), function)

    def tool(self, name, description, parameters=None):
        schema = parameters or {"type": "object", "properties": {}}
        self._declared["tools"].append({"name": name, "description": description, "parameters": schema})
        return lambda function: self._tools.setdefault(name, function)

    def on(self, moment):
        """`load`, `loaded`, `unload`, `settings_changed`, `answered`, `unanswered`, `timer`,
        `predicate`, `platforms_loaded`, `plugin_loaded`, `plugin_unloaded`."""
        return lambda function: self._moments.setdefault(moment, function)

    def _handler(self, handler):
        self._declared["handlers"].append(handler)
        return lambda function: self._handlers.setdefault(handler["name"], function)

    # What the gateway offers: `plugin.host("store", key="seen", value=3)`.

    def host(self, method, **params):
        """Makes a call of docs/plugins/protocol.md and waits for its answer."""
        waiter = queue.Queue(1)
        with self._lock:
            if self._gone:
                raise HostError("not_ready", "the gateway is gone")
            self._next += 1
            number = self._next
            self._waiting[number] = waiter
        self._write({"jsonrpc": "2.0", "id": number, "method": method, "params": params})
        answer = waiter.get()
        if "error" in answer:
            data = answer["error"].get("data") or {}
            raise HostError(data.get("kind", "failed"), answer["error"].get("message", ""), data.get("detail"))
        return answer.get("result")

    def log(self, text, level="info"):
        self.host("log", level=level, text=str(text))

    def fetch(self, url, method="GET", headers=(), body=b"", within_ms=None):
        """A request to a web server; `status`, `headers` and `body` of the answer."""
        encoded = base64.b64encode(body).decode()
        answer = self.host("fetch", url=url, method=method, headers=list(headers), body=encoded, within_ms=within_ms)
        return {**answer, "body": base64.b64decode(answer["body"])}

    # The protocol.

    def run(self):
        """Speaks with the gateway until it closes the input."""
        self._output, sys.stdout = sys.stdout, sys.stderr
        jobs = queue.Queue()
        for _ in range(WORKERS):
            threading.Thread(target=self._work, args=(jobs,), daemon=True).start()
        for line in sys.stdin:
            frame = json.loads(line)
            if "method" not in frame:
                with self._lock:
                    waiter = self._waiting.pop(frame.get("id"), None)
                if waiter:
                    waiter.put(frame)
            elif "id" in frame:
                jobs.put(frame)
        with self._lock:
            self._gone = True
            waiting = list(self._waiting.values())
        for waiter in waiting:
            waiter.put({"error": {"message": "the gateway is gone", "data": {"kind": "not_ready"}}})

    def _work(self, jobs):
        while True:
            frame = jobs.get()
            answer = {"jsonrpc": "2.0", "id": frame["id"]}
            try:
                self._write({**answer, "result": self._perform(frame["method"], frame.get("params") or {})})
            except Exception as error:  # the plugin's, whatever it is: the gateway is told
                if not isinstance(error, (Error, HostError)):
                    traceback.print_exc()
                data = {"kind": getattr(error, "kind", "failed")}
                said = {"code": -32000, "message": str(error) or repr(error), "data": data}
                self._write({**answer, "error": said})

    def _write(self, frame):
        line = json.dumps(frame, ensure_ascii=False)
        with self._lock:
            self._output.write(line + "\n")
            self._output.flush()

    def _perform(self, method, params):
        if method == "describe":
            return {"api": API_VERSION, "name": self.name, "version": self.version,
                    "settings_schema": self.settings_schema}
        if method == "load":
            self.settings = params.get("settings") or {}
            self._moment("load")
            return self._declared
        if method == "settings_changed":
            return self._settings_changed(params["settings"])
        if method == "handle":
            return _replied(self._known(self._handlers, params["handler"])(Call(params)))
        if method == "call_tool":
            tool = self._known(self._tools, params["name"])
            return tool(**params.get("arguments") or {})
        if method == "web":
            return _response(self._known(self._routes, (params["method"], params["path"]))(params))
        if method in self._hooks:
            return self._hooked(method, self._hooks[method], params)
        if method in ("answered", "plugin_error", "waiting_for_model"):
            return _replied(self._moment(method, params))
        if method in ("unanswered", "timer"):
            return [_outgoing(one) for one in self._moment(method, params) or []]
        if method == "predicate":
            return bool(self._moment(method, params))
        if method in ("loaded", "unload", "after_sent", "platforms_loaded", "plugin_loaded", "plugin_unloaded"):
            self._moment(method, params)
            return None
        raise Error(f"there is no call {method}", "unknown")

    def _settings_changed(self, settings):
        self.settings = settings
        taken = "settings_changed" in self._moments
        self._moment("settings_changed", settings)
        return {"taken": taken, "declarations": self._declared}

    def _hooked(self, method, function, params):
        event = params["event"]
        if "value" in params:
            value = params["value"]
            return {"reply": _replied(function(event, value)), "value": value}
        said = function(event, params["failure"]) if "failure" in params else function(event)
        return _replied(said) if method in ("plugin_error", "waiting_for_model") else None

    def _moment(self, name, *given):
        function = self._moments.get(name)
        if function is None:
            return None
        wanted = len(inspect.signature(function).parameters)
        return function(*given[:wanted])

    @staticmethod
    def _known(table, name):
        if name not in table:
            raise Error(f"there is nothing called {name}", "unknown")
        return table[name]


def _replied(said):
    if said is None:
        return reply()
    return said if isinstance(said, dict) and "messages" in said else reply(said)


def _outgoing(one):
    to, said = one
    return {"to": to, "message": message(said) if isinstance(said, str) else said}


def _response(said):
    """A route may answer text, JSON, or `(status, content type, bytes)`."""
    if isinstance(said, tuple):
        status, kind, body = said
    elif isinstance(said, str):
        status, kind, body = 200, "text/plain; charset=utf-8", said.encode()
    else:
        status, kind, body = 200, "application/json", json.dumps(said).encode()
    return {"status": status, "content_type": kind, "body": base64.b64encode(body).decode()}
