"""Glewlwyd (Debian's package): an OAuth2 server in C, over SQLite, as its documentation sets it up.

Its OpenID Connect plugin with ES256 keys issues JSON Web Tokens; introspection with a client's id
and secret asks the database whether they were revoked. The configuration is its sample file, with
another folder, plain cookies for plain HTTP and errors only in the log.
"""

import gzip
import http.client
import json
import re
import sqlite3
import subprocess
import urllib.parse

import support

CLIENT, SECRET = "bench", "a secret of the bench"
TOKENS = 200


def key_pair(folder):
    subprocess.run(["openssl", "ecparam", "-genkey", "-name", "prime256v1", "-noout", "-out",
                    folder / "key.pem"], check=True, capture_output=True)
    subprocess.run(["openssl", "ec", "-in", folder / "key.pem", "-pubout", "-out",
                    folder / "public.pem"], check=True, capture_output=True)
    return (folder / "key.pem").read_text(), (folder / "public.pem").read_text()


def configuration(folder, port):
    debian = support.DEBIAN
    packed = debian / "usr/share/doc/glewlwyd/glewlwyd.conf.sample.gz"
    text = gzip.decompress(packed.read_bytes()).decode()
    for name, value in {"port": port, "external_url": f'"http://127.0.0.1:{port}"',
                        "cookie_domain": '"127.0.0.1"', "cookie_secure": 0,
                        "log_mode": '"file"', "log_level": '"ERROR"',
                        "log_file": f'"{folder}/glewlwyd.log"'}.items():
        text = re.sub(rf"(?m)^{name}\s*=.*$", f"{name}={value}", text)
    return (text.replace("/usr/lib/glewlwyd", f"{debian}/usr/lib/glewlwyd")
            .replace("/usr/share/glewlwyd", f"{debian}/usr/share/glewlwyd")
            .replace("/var/cache/glewlwyd/glewlwyd.db", f"{folder}/glewlwyd.db"))


class Admin:
    """Its administration API, signed in as the first administrator."""

    def __init__(self, port):
        self.port, self.cookie = port, None
        self.call("POST", "/api/auth/", {"username": "admin", "password": "password"})

    def call(self, method, path, body, content_type="application/json", authorization=None):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Content-Type": content_type}
        if self.cookie:
            headers["Cookie"] = self.cookie
        if authorization:
            headers["Authorization"] = authorization
        text = json.dumps(body) if content_type == "application/json" else \
            urllib.parse.urlencode(body)
        connection.request(method, path, text, headers)
        answer = connection.getresponse()
        received = answer.read()
        connection.close()
        if answer.status != 200:
            raise RuntimeError(f"Glewlwyd: {method} {path}: {answer.status} {received[:500]!r}")
        if not self.cookie:
            self.cookie = answer.getheader("Set-Cookie").split(";")[0]
        return json.loads(received) if received else None


def set_up(admin, folder):
    private, public = key_pair(folder)
    admin.call("POST", "/api/mod/plugin/", {
        "module": "oidc", "name": "oidc", "display_name": "bench", "enabled": True, "parameters": {
            "iss": f"http://127.0.0.1:{admin.port}/", "jwt-type": "ecdsa", "jwt-key-size": "256",
            "key": private, "cert": public, "access-token-duration": 3600,
            "refresh-token-duration": 1209600, "code-duration": 600,
            "refresh-token-rolling": True, "allow-non-oidc": True, "auth-type-code-enabled": True,
            "auth-type-client-enabled": True, "auth-type-refresh-enabled": True,
            "introspection-revocation-allowed": True,
            "introspection-revocation-allow-target-client": True}})
    admin.call("POST", "/api/scope/", {"name": "read", "display_name": "read",
                                       "password_required": False, "scheme": {}})
    admin.call("POST", "/api/client/", {
        "client_id": CLIENT, "name": "bench", "enabled": True, "confidential": True,
        "client_secret": SECRET, "scope": ["read"], "authorization_type": ["client_credentials"],
        "token_endpoint_auth_method": ["client_secret_basic"], "redirect_uri": []})


def start(rig):
    """The server with TOKENS tokens, ready to be asked about them."""
    folder = rig.folder / "glewlwyd"
    folder.mkdir()
    port = support.free_port()
    with sqlite3.connect(folder / "glewlwyd.db") as database:
        database.executescript(
            (support.DEBIAN / "usr/share/dbconfig-common/data/glewlwyd/install/sqlite3")
            .read_text(encoding="utf-8"))
    (folder / "glewlwyd.conf").write_text(configuration(folder, port), encoding="utf-8")
    process = rig.start([support.DEBIAN / "usr/bin/glewlwyd",
                         f"--config-file={folder}/glewlwyd.conf"], port=port,
                        env=support.debian_environment())
    admin = Admin(port)
    set_up(admin, folder)
    basic = support.basic(CLIENT, SECRET)
    requests = []
    for _ in range(TOKENS):
        token = admin.call("POST", "/api/oidc/token",
                           {"grant_type": "client_credentials", "scope": "read"},
                           "application/x-www-form-urlencoded", basic)["access_token"]
        requests.append(support.introspection("/api/oidc/introspect", token, basic))
    seen = admin.call("POST", "/api/oidc/introspect", {"token": token},
                      "application/x-www-form-urlencoded", basic)
    if seen.get("active") is not True:
        raise RuntimeError(f"Glewlwyd calls its own token {seen}")
    return support.Target(port, [process.pid], rig.requests(requests))
