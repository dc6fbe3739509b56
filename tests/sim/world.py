"""A simulator in which whatever an operation needs can be made."""

import json
import os
import pathlib

from operations import DEDICATED, UNIFIED
from simulator import Simulator

DATA = pathlib.Path(os.environ["KIEFS_SIM_SERVICES"])
TASK_MS = 5000


def load(name):
    return json.loads((DATA / name).read_text(encoding="utf-8"))


class World(Simulator):
    def __init__(self, *options):
        super().__init__(f"--task-ms={TASK_MS}", "--rate=0", "--credits=1000000", *options)
        self.operations = load("operations.json")["operations"]
        self.models = load("unified.json")["models"]
        self.reports = load("records.json")["records"]

    def send(self, operation, body):
        """One request; a GET has its fields in the address."""
        about = self.operations[operation]
        if about["method"] == "GET":
            query = "&".join(f"{name}={value}" for name, value in body.items())
            return self.ask("GET", f"{about['path']}?{query}")
        return self.ask("POST", about["path"], body)

    def fill(self, template, parent, track):
        given = {"TASK": parent, "TRACK": track}
        return {name: given.get(value, value) if isinstance(value, str) else value
                for name, value in template.items()}

    def parent(self, name, make):
        """A finished parent and its first part."""
        if not name:
            return None, None
        task = make(name)
        self.advance(TASK_MS)
        return task, next(self.parts(self.poll(task)), None)

    def parts(self, value):
        """The ids of tracks and stems, wherever they stand."""
        if isinstance(value, str) and value.startswith("{"):
            value = json.loads(value)
        if isinstance(value, dict):
            if isinstance(value.get("id"), str):
                yield value["id"]
            for item in value.values():
                yield from self.parts(item)
        elif isinstance(value, list):
            for item in value:
                yield from self.parts(item)

    def body(self, operation, **more):
        parent, template = DEDICATED[operation]
        return self.fill(template | more, *self.parent(parent, self.make))

    def make(self, operation, **more):
        """Asks for a task of a dedicated service; its id."""
        answer = self.send(operation, self.body(operation, **more))
        assert answer["code"] == 200, (operation, answer)
        return self.id_of(answer)

    def make_unified(self, model, **more):
        parent, template = UNIFIED[model]
        given = self.fill(template | more, *self.parent(parent, self.make_unified))
        answer = self.create(model, given)
        assert answer["code"] == 200, (model, answer)
        return answer["data"]["taskId"]

    @staticmethod
    def id_of(answer):
        data = answer["data"] or {}
        return data.get("taskId") or data.get("task_id")

    def poll(self, task):
        """Asks every service that knows the task, as its id does not say whose it is."""
        for path, query in {(report["path"], report["query"]) for report in self.reports.values()}:
            answer = self.ask("GET", f"{path}?{query}={task}")
            if answer["code"] != 422 and (answer["data"] or answer["code"] == 201):
                return answer
        return None

    def urls(self, value):
        """The addresses of files, wherever they stand."""
        if isinstance(value, str):
            if "/results/" in value and value.startswith("http"):
                yield value
            elif value.startswith("{"):
                yield from self.urls(json.loads(value))
        elif isinstance(value, (dict, list)):
            for item in value.values() if isinstance(value, dict) else value:
                yield from self.urls(item)
