"""The do-it-yourself way: digests of tokens in Redis, and nginx with Lua that looks them up.

nginx and Redis both stand on the servers' core, and the CPU of both counts. Redis is reached over a
Unix socket and keeps nothing on disk, which is in its favour. All packages are Debian's.
"""

import hashlib
import secrets
import subprocess

import support

SAMPLED = 20_000
EXPIRY = 4_000_000_000

NGINX = """
  lua_package_path "{folder}/?.lua;{debian}/usr/share/lua/5.1/?.lua;;";
  server {{
    listen 127.0.0.1:{port};
    location / {{
      content_by_lua_block {{ require("redis_lookup").check("{socket}", "vso.project") }}
    }}
  }}
"""


def protocol(*words):
    """A command in the form that redis-cli --pipe takes."""
    parts = [b"*%d\r\n" % len(words)]
    for word in words:
        parts.append(b"$%d\r\n%s\r\n" % (len(word), word))
    return b"".join(parts)


def fill(rig, socket, tokens):
    """Puts so many tokens in; returns the texts of some."""
    sample, step = [], max(1, tokens // SAMPLED)
    path = rig.folder / "commands"
    with open(path, "wb") as commands:
        for number in range(tokens):
            if number % step == 0:
                text = secrets.token_urlsafe(63)
                sample.append(text)
                digest = hashlib.sha256(text.encode()).digest()
            else:
                digest = secrets.token_bytes(32)
            value = b"person-%d vso.code,vso.project,vso.build %d" % (number % 100_000, EXPIRY)
            commands.write(protocol(b"SET", digest, value))
    with open(path, "rb") as commands:
        subprocess.run([support.DEBIAN / "usr/bin/redis-cli", "-s", socket, "--pipe"],
                       stdin=commands, check=True, capture_output=True,
                       env=support.debian_environment())
    path.unlink()
    return sample


def start(rig, tokens=1_000_000):
    """Redis with so many tokens and nginx before it."""
    debian, environment = support.DEBIAN, support.debian_environment()
    socket = rig.folder / "redis.sock"
    redis = rig.start([debian / "usr/bin/redis-server", "--port", "0", "--unixsocket", socket,
                       "--unixsocketperm", "777", "--save", "", "--appendonly", "no"],
                      ready="ready to accept connections", env=environment)
    sample = fill(rig, socket, tokens)
    rig.file("redis_lookup.lua", (support.ROOT / "bench/peers/redis_lookup.lua").read_bytes())
    port = support.free_port()
    worker = rig.nginx(
        NGINX.format(folder=rig.folder, debian=debian, port=port, socket=socket), port,
        main="".join(f"load_module {debian}/usr/lib/nginx/modules/{name}.so; "
                     for name in ("ndk_http_module", "ngx_http_lua_module")), env=environment)
    requests = rig.requests([support.get("/fabrikam/_apis/projects/one",
                                         f"Authorization: {support.basic('', text)}")
                             for text in sample])
    return support.Target(port, [worker, redis.pid], requests)
