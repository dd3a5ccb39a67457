"""Tests without a gateway, in which the host is a dictionary: python3 -m unittest."""

import unittest
from unittest import mock

import firstlight
import main


class Echo(unittest.TestCase):
    def setUp(self):
        self.kept = {}
        host = mock.patch.object(main.plugin, "host", self.answer)
        host.start()
        self.addCleanup(host.stop)

    def answer(self, method, **params):
        if method == "store":
            self.kept[params["key"]] = params["value"]
        return self.kept.get(params.get("key"))

    def say(self, text, times=1):
        arguments = {"text": text, "times": times}
        return main.echo(firstlight.Call({"handler": "echo", "event": {}, "arguments": arguments}))

    def test_it_says_it_again_as_often_as_is_wished(self):
        self.assertEqual(self.say("hello"), "hello")
        self.assertEqual(self.say("hello", 3), "hello hello hello")
        self.assertEqual(self.kept, {"said": 2})

    def test_too_often_is_refused_in_words(self):
        with self.assertRaisesRegex(firstlight.Error, "one to five"):
            self.say("hello", 6)


if __name__ == "__main__":
    unittest.main()
