"""Every kind of change at once, and what is known of each thing afterwards: for tests of faults.

Each thread of a Load has a member, tokens, projects and sessions of its own, changes them at random
and uses them, until the server is gone or the load is told to end. A Fact is what one thing may be:
a change that was sent adds a value, one that was answered leaves only that value. So what a later
look finds must be among the values, whatever became of the changes without an answer.
"""

import http.client
import random
import threading

import harness

THREADS = 3
ROLES = ("reader", "member", "administrator")
SIGN_INS_MAX = 4  # of a thread; passwords are slow on purpose
GONE = None
PROJECT = {"capabilities": {
    "versioncontrol": {"sourceControlType": "Git"},
    "processTemplate": {"templateTypeId": "b8a3a935-7e91-48b8-a94c-606d37c3e9f2"}}}


class Fact:
    """The values that something may have."""

    def __init__(self, value):
        self.possible = {value}

    def changing(self, value):
        self.possible.add(value)

    def changed(self, value):
        self.possible = {value}

    def refused(self, value):
        """The change to `value` was refused for sure."""
        self.possible.discard(value)

    def is_sure(self, value):
        return self.possible == {value}

    def check(self, value, what):
        """`value` was seen: it must be possible, and is certain from here on."""
        if value not in self.possible:
            raise AssertionError(f"{what}: {value!r} is none of {self.possible!r}")
        self.possible = {value}


class Token:
    """A token, its text, and the texts that a regeneration ended for sure."""

    def __init__(self, answer, name):
        self.id = answer["authorizationId"]
        self.text = answer["token"]
        self.name = Fact(name)
        self.status = Fact("active")
        self.dead = []
        self.may_be_replaced = False  # a regeneration without an answer: the text may be dead

    def expected(self):
        """The statuses that a request with `text` may get."""
        if self.status.is_sure("revoked"):
            return {401}
        is_live = self.status.is_sure("active") and not self.may_be_replaced
        return {200} if is_live else {200, 401}


class Session:
    """A session of a member: its text, and whether it is open."""

    def __init__(self, text):
        self.text = text
        self.is_open = Fact(True)


class Project:
    def __init__(self, identifier, name):
        self.id = identifier
        self.name = Fact(name)  # GONE once it was deleted


class Unanswered(Exception):
    """The change was answered by 503: it may have happened (docs/spec/store.md, S6)."""


class Worker:
    """What one thread does and knows."""

    def __init__(self, server, rng, member, role):
        self.server, self.rng, self.member, self.role = server, rng, member, role
        self.tokens, self.projects, self.sessions = [], [], []
        self.acknowledged = {}
        self.sign_ins = 0
        self.connection = None

    def call(self, method, path, body=None, session=None, good=(200, 204)):
        """An answer that was read whole, or an exception of the connection."""
        headers = {"Authorization": "Bearer " + (session or self.server.session)}
        if body is not None:
            body = harness.json.dumps(body)
            headers["Content-Type"] = "application/json"
        self.connection.request(method, path, body, headers)
        answer = harness.Answer.of(self.connection.getresponse())
        if answer.status == 503:
            raise Unanswered(answer)
        if answer.status not in good:
            raise AssertionError(f"{method} {path}: {answer}")
        return answer

    def step(self):
        """One change or check, at random; its name."""
        live = [token for token in self.tokens if token.status.is_sure("active")]
        there = [project for project in self.projects if not project.name.is_sure(GONE)]
        may = [(self.create, 4), (self.change_role, 1), (self.create_project, 1)]
        if live:
            may += [(self.update, 3), (self.regenerate, 3), (self.revoke, 3)]
        if self.tokens:
            may += [(self.use, 4)]
        if there:
            may += [(self.rename_project, 1), (self.delete_project, 1)]
        if self.sign_ins < SIGN_INS_MAX:
            may += [(self.sign_in, 1)]
        if self.sessions:
            may += [(self.sign_out, 1)]
        action = self.rng.choices(*zip(*may))[0]
        action(self.rng.choice(there if "project" in action.__name__ and there else live or [None]))
        return action.__name__

    def text(self, kind):
        return f"{kind} {self.rng.getrandbits(64):x}"

    def create(self, _):
        name = self.text("created")
        answer = self.call("POST", self.server.pats(),
                           {"displayName": name, "scope": "vso.project"})
        self.tokens.append(Token(answer.json()["patToken"], name))

    def update(self, token):
        name = self.text("renamed")
        token.name.changing(name)
        answer = self.call("PUT", self.server.pats(),
                           {"authorizationId": token.id, "displayName": name}).json()
        (token.name.changed if answer["patTokenError"] == "none" else token.name.refused)(name)

    def regenerate(self, token):
        token.may_be_replaced = True
        path = self.server.pats().replace("pats?", f"pats/{token.id}/regenerate?")
        answer = self.call("POST", path).json()
        if answer["patTokenError"] != "none":
            raise AssertionError(answer)
        token.dead.append(token.text)
        token.text = answer["patToken"]["token"]
        token.may_be_replaced = False

    def revoke(self, token):
        token.status.changing("revoked")
        self.call("DELETE", self.server.pats() + "&authorizationId=" + token.id)
        token.status.changed("revoked")

    def use(self, _):
        token = self.rng.choice(self.tokens)
        text, expected = token.text, token.expected()
        if token.dead and self.rng.random() < 0.3:
            text, expected = token.dead[-1], {401}
        self.connection.request("GET", f"/{self.server.organization}/_apis/tokens/self",
                                headers={"Authorization": harness.basic(text)})
        answer = harness.Answer.of(self.connection.getresponse())
        if answer.status not in expected | {503}:
            raise AssertionError(f"use: {answer.status} is none of {expected}")

    def change_role(self, _):
        role = self.rng.choice(ROLES)
        self.role.changing(role)
        self.call("PATCH", f"/_latchkey/organizations/{self.server.organization}/members/"
                  + self.member.id, {"role": role})
        self.role.changed(role)

    def projects_path(self, tail=""):
        return f"/{self.server.organization}/_apis/projects{tail}?api-version=7.1"

    def create_project(self, _):
        name = self.text("project")
        self.call("POST", self.projects_path(), {"name": name, **PROJECT}, good=(202,))
        found = self.call("GET", self.projects_path("/" + name.replace(" ", "%20"))).json()
        self.projects.append(Project(found["id"], name))

    def rename_project(self, project):
        name = self.text("project")
        project.name.changing(name)
        self.call("PATCH", self.projects_path("/" + project.id), {"name": name},
                  good=(202, 404) if GONE in project.name.possible else (202,))
        if GONE not in project.name.possible:
            project.name.changed(name)

    def delete_project(self, project):
        project.name.changing(GONE)
        self.call("DELETE", self.projects_path("/" + project.id), good=(202, 404))
        project.name.changed(GONE)

    def sign_in(self, _):
        self.sign_ins += 1
        answer = self.call("POST", "/_latchkey/sessions", {
            "email": self.member.email, "password": self.member.password}, good=(201, 429)).json()
        if "session" in answer:
            self.sessions.append(Session(answer["session"]["token"]))

    def sign_out(self, _):
        session = self.rng.choice(self.sessions)
        session.is_open.changing(False)
        self.call("DELETE", "/_latchkey/sessions/current", session=session.text,
                  good=(204,) if session.is_open.is_sure(True) else (204, 401))
        session.is_open.changed(False)

    def run(self, is_over):
        """Steps until the connection ends or is_over(); an error that must not be is raised."""
        self.connection = http.client.HTTPConnection(
            "127.0.0.1", int(self.server.url.rsplit(":", 1)[1]), timeout=60)
        try:
            while not is_over():
                try:
                    name = self.step()
                    self.acknowledged[name] = self.acknowledged.get(name, 0) + 1
                except Unanswered:
                    self.acknowledged["answered 503"] = self.acknowledged.get("answered 503", 0) + 1
        except (OSError, http.client.HTTPException):
            pass  # killed
        finally:
            self.connection.close()


class Load:
    """Workers in threads of their own, which have begun."""

    def __init__(self, server, rng, members):
        self.failures = []
        self.is_over = False
        self.workers = [Worker(server, random.Random(rng.random()), member, role)
                        for member, role in members]
        self.threads = [threading.Thread(target=self.run, args=(worker,))
                        for worker in self.workers]
        for thread in self.threads:
            thread.start()

    def run(self, worker):
        try:
            worker.run(lambda: self.is_over)
        except Exception as error:  # pylint: disable=broad-except
            self.failures.append(error)

    def end(self):
        self.is_over = True
        self.join()

    def join(self):
        for thread in self.threads:
            thread.join()

    def acknowledged(self):
        """How often each kind of step was answered."""
        sums = {}
        for worker in self.workers:
            for name, count in worker.acknowledged.items():
                sums[name] = sums.get(name, 0) + count
        return sums

    def things(self):
        """All that the workers made: tokens, projects, sessions, and their members' roles."""
        for worker in self.workers:
            yield from worker.tokens
            yield from worker.projects
            yield from worker.sessions


def add_members(server):
    """The members that a Load works with, each with the Fact of its role."""
    return [(server.add_person(f"member{number}@example.com", "member"), Fact("member"))
            for number in range(THREADS)]


def check(server, thing):
    """The thing as the server has it, against what was acknowledged."""
    if isinstance(thing, Token):
        check_token(server, thing)
    elif isinstance(thing, Project):
        found = server.as_person(
            "GET", f"/{server.organization}/_apis/projects/{thing.id}?api-version=7.1")
        there = found.status == 200 and found.json()["state"] == "wellFormed"
        thing.name.check(found.json()["name"] if there else GONE, "project " + thing.id)
    else:
        answer = server.as_person("GET", "/_latchkey/me", session=thing.text)
        thing.is_open.check(answer.status == 200, "session")


def check_token(server, token):
    status = server.use(token.text).status
    if status not in token.expected():
        raise AssertionError(f"token {token.id}: {status} is none of {token.expected()}")
    for text in token.dead:
        if server.use(text).status != 401:
            raise AssertionError(f"token {token.id}: a replaced secret works again")
    row = server.must(200, "GET", server.pats() + "&authorizationId=" + token.id).json()["patToken"]
    if row is None:
        raise AssertionError(f"token {token.id}: an acknowledged token is lost")
    token.name.check(row["displayName"], "name of token " + token.id)
    token.status.check(row["status"], "status of token " + token.id)


def check_roles(server, members):
    path = f"/_latchkey/organizations/{server.organization}/members"
    rows = {row["person"]["id"]: row["role"] for row in
            server.must(200, "GET", path).json()["value"]}
    for member, role in members:
        role.check(rows.get(member.id), "role of " + member.email)
