"""Certificates for tests: a root of one's own, and server certificates signed under it.

    root = certificates.Root(folder)
    root.issue(folder + "/chain.pem", folder + "/key.pem")      # for localhost and 127.0.0.1
    root.file                                                   # what clients trust
"""

import os
import subprocess
import ssl


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True,
                          text=True).stdout


class Root:
    def __init__(self, folder, name="Test Root"):
        self.file = os.path.join(folder, name.replace(" ", "-") + ".pem")
        self.key = self.file + ".key"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-noenc", "-days", "400", "-subj", f"/CN={name}", "-keyout", self.key,
                "-out", self.file, "-addext", "keyUsage=critical,keyCertSign,cRLSign")

    def issue(self, chain_file, key_file, days=200, names="DNS:localhost,IP:127.0.0.1"):
        """Writes a new certificate and its key, each put into place whole, the key last."""
        request, extensions = chain_file + ".request", chain_file + ".extensions"
        openssl("req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1",
                "-noenc", "-subj", "/CN=localhost", "-keyout", key_file + ".new",
                "-out", request)
        with open(extensions, "w", encoding="ascii") as file:
            file.write(f"subjectAltName={names}\nkeyUsage=critical,digitalSignature\n"
                       "extendedKeyUsage=serverAuth\nbasicConstraints=critical,CA:false\n")
        openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.key,
                "-set_serial", "0x" + os.urandom(16).hex(), "-days", str(days),
                "-extfile", extensions, "-out", chain_file + ".new")
        with open(chain_file + ".new", "a", encoding="ascii") as chain:
            with open(self.file, encoding="ascii") as own:
                chain.write(own.read())
        os.chmod(key_file + ".new", 0o600)
        os.rename(chain_file + ".new", chain_file)
        os.rename(key_file + ".new", key_file)


def fingerprint(chain_file):
    """SHA-256 of the first certificate, as `openssl x509 -fingerprint` prints it."""
    return openssl("x509", "-in", chain_file, "-noout", "-fingerprint",
                   "-sha256").strip().split("=")[1]


def seen_at(host, port):
    """The certificate that a server shows, as DER."""
    return ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate((host, port), timeout=30))
