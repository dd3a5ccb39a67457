"""The plugin of the conformance corpus, on the Python SDK. tests/conformance.rs holds the same in Rust."""

import json

import firstlight

plugin = firstlight.Plugin("conformance", "1.2.3", {"type": "object"})


@plugin.command("echo", about="Says it again.", arguments=[firstlight.rest("text")])
def echo(call):
    return call.arguments["text"]


@plugin.command("keep", about="Stores a text and reads it again.", arguments=[firstlight.rest("text")])
def keep(call):
    plugin.host("store", key="kept", value=call.arguments["text"])
    return json.dumps(plugin.host("load", key="kept"))


@plugin.command("fail")
def fail(call):
    raise firstlight.Error("that will not do", "arguments")


@plugin.command("crash")
def crash(call):
    raise ZeroDivisionError("by nought")


@plugin.listen("listen", filter={"custom": "has_x"})
def listen(call):
    return firstlight.reply(flow="stop")


@plugin.hook("decorating", priority=5)
def decorate(event, value):
    value.append({"type": "text", "data": {"text": "(decorated)"}})


@plugin.route("GET", "/status", "How it is.")
def status(request):
    return {"by": request["username"]}


@plugin.tool("add", "Adds two numbers.")
def add(a, b):
    return a + b


@plugin.on("settings_changed")
def settings_changed(settings):
    pass


@plugin.on("predicate")
def predicate(params):
    return params["name"] == "has_x" and "x" in params["event"]["text"]


@plugin.on("answered")
def answered(params):
    return f"{params['name']}: {params['event']['text']}"


@plugin.on("unanswered")
def unanswered(params):
    return [(params["reply_to"], "nobody answered")]


@plugin.on("timer")
def timer(params):
    return [(params["payload"]["to"], params["name"])]


plugin.run()
