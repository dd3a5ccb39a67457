"""Says it again: /echo hello. With /echo --times 2 hello it says it twice."""

import firstlight

plugin = firstlight.Plugin("echo-python", "1.0.0")


@plugin.command(
    "echo",
    about="Says it again.",
    arguments=[firstlight.integer("times", named=True, default=1), firstlight.rest("text")],
)
def echo(call):
    times = call.arguments["times"]
    if not 1 <= times <= 5:
        raise firstlight.Error("I say it one to five times.", "arguments")
    said = (plugin.host("load", key="said") or 0) + 1
    plugin.host("store", key="said", value=said)
    plugin.log(f"said {said} things so far", "debug")
    return " ".join([call.arguments["text"]] * times)


if __name__ == "__main__":
    plugin.run()
