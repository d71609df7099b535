"""Credentials: every way a kubeconfig gives them, plugins run by our own runner, and one sentence for what is wrong.

Budget: 20 s.
"""

from __future__ import annotations

import asyncio
import base64
import os
import stat
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from cockpit.base.clock import Clock
from cockpit.base.errors import CredentialsError, ExitCode
from cockpit.cluster import credentials as credentials_module
from cockpit.cluster.credentials import Credentials, load
from cockpit.cluster.execplugin import ExecPlugin
from cockpit.config import ClusterSettings

HEAD = """
apiVersion: v1
kind: Config
current-context: prod
clusters:
- name: prod-cluster
  cluster: {server: "https://10.0.0.1:6443", insecure-skip-tls-verify: true}
contexts:
- name: prod
  context: {cluster: prod-cluster, user: me, namespace: shop}
- name: dev
  context: {cluster: prod-cluster, user: me}
users:
- name: me
  user: USER
"""


class Wall:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def clock(self) -> Clock:
        return Clock(monotonic=lambda: self.now, unix=lambda: 1_780_000_000.0 + self.now)


def write(folder: Path, user: str = "{token: abc}", text: str = HEAD) -> Path:
    path = folder / "config"
    path.write_text(text.replace("USER", user))
    return path


async def loaded(path: Path | str, wall: Wall | None = None, **more: Any) -> Credentials:
    return await load(ClusterSettings(kubeconfig=str(path), **more), (wall or Wall()).clock())


def plugin(folder: Path, body: str) -> Path:
    """A credential plugin in Python."""
    path = folder / "get-token"
    path.write_text(f"#!{sys.executable}\n{textwrap.dedent(body)}")
    path.chmod(0o755)
    return path


def exec_user(command: Path | str, more: str = "") -> str:
    return (
        f'{{exec: {{apiVersion: client.authentication.k8s.io/v1, command: "{command}", interactiveMode: Never{more}}}}}'
    )


ANSWER = """
import json, os
print(json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": STATUS}))
"""


async def test_a_context_says_where_and_who(tmp_path: Path) -> None:
    found = await loaded(write(tmp_path))
    assert (found.context, found.cluster, found.server) == ("prod", "prod-cluster", "https://10.0.0.1:6443")
    assert (found.namespace, found.user) == ("shop", "me")
    assert await found.authorization() == "Bearer abc"
    assert (await loaded(write(tmp_path), context="dev")).namespace == "default"


async def test_basic_and_no_credentials(tmp_path: Path) -> None:
    found = await loaded(write(tmp_path, "{username: u, password: p}"))
    assert await found.authorization() == "Basic " + base64.b64encode(b"u:p").decode()
    assert await (await loaded(write(tmp_path, "{}"))).authorization() is None


async def test_a_token_file_is_read_again_as_it_is_rotated(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("one\n")
    wall = Wall()
    found = await loaded(write(tmp_path, "{tokenFile: token}"), wall)
    assert await found.authorization() == "Bearer one"
    (tmp_path / "token").write_text("two\n")
    assert await found.authorization() == "Bearer one"
    wall.now += 61
    assert await found.authorization() == "Bearer two"
    (tmp_path / "token").write_text("three\n")
    assert await found.refresh("Bearer two"), "a 401 does not wait for the minute"
    assert await found.authorization() == "Bearer three"
    (tmp_path / "token").unlink()
    wall.now += 61
    with pytest.raises(CredentialsError, match=r"token file .*token cannot be read: No such file"):
        await found.authorization()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (":\n  - [", r"is not valid YAML \(line \d+\)"),
        ("", "is empty|file is empty"),
        ("[1, 2]", "does not have the shape of a kubeconfig"),
        ("just words", "does not have the shape of a kubeconfig"),
        ("contexts: 5", "does not have the shape of a kubeconfig|Expected"),
        (HEAD.replace("current-context: prod", ""), r"has no current context; pass --context \(known: dev, prod\)"),
        (HEAD.replace("current-context: prod", "current-context: gone"), r"has no context gone; known: dev, prod"),
        (HEAD.replace("cluster: prod-cluster, user", "cluster: nowhere, user"), "nowhere"),
        (HEAD.replace("user: me", "user: nobody"), "names user nobody, which is not defined"),
        (HEAD.replace('server: "https://10.0.0.1:6443", ', ""), "has no server URL"),
        (HEAD.replace("USER", "{client-certificate: absent.pem, client-key: absent.pem}"), "absent.pem"),
        (HEAD.replace("USER", "{client-certificate-data: eHg=, client-key-data: eHg=}"), "cannot be used"),
    ],
)
async def test_a_broken_kubeconfig_is_one_sentence_that_names_it(tmp_path: Path, text: str, says: str) -> None:
    path = write(tmp_path, text=text)
    with pytest.raises(CredentialsError, match=says) as caught:
        await loaded(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    assert caught.value.exit_code is ExitCode.UNKNOWN


async def test_a_missing_or_unreadable_kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(CredentialsError, match=r"kubeconfig .*absent does not exist; set KUBECONFIG or"):
        await loaded(tmp_path / "absent")
    with pytest.raises(CredentialsError, match="cannot be read: Is a directory"):
        await loaded(tmp_path)
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CredentialsError, match=r"is not text|is not valid YAML"):
        await loaded(tmp_path / "binary")
    monkeypatch.setenv("HOME", str(tmp_path))
    with pytest.raises(CredentialsError, match=r"\.kube/config does not exist"):
        await load(ClusterSettings(), Wall().clock())


async def test_several_files_are_merged_and_paths_are_relative_to_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = tmp_path / "other"
    other.mkdir()
    (other / "tok").write_text("from-file")
    (other / "users").write_text("users: [{name: me, user: {tokenFile: tok}}]\ncurrent-context: dev\n")
    first = write(tmp_path, text=HEAD.split("users:", maxsplit=1)[0])
    monkeypatch.setenv("KUBECONFIG", f"{first}{os.pathsep}{tmp_path / 'absent'}{os.pathsep}{other / 'users'}")
    found = await load(ClusterSettings(), Wall().clock())
    assert await found.authorization() == "Bearer from-file"


async def test_in_cluster_without_a_service_account_is_one_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    with pytest.raises(CredentialsError, match="the pod's service account cannot be used"):
        await load(ClusterSettings(), Wall().clock())


async def test_in_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from kubernetes.config import incluster_config

    from cockpit.cluster import kubeconfig

    account = tmp_path / "account"
    account.mkdir()
    (account / "token").write_text("pod-token")
    (account / "namespace").write_text("apps\n")
    (account / "ca.crt").write_bytes(_authority())
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "443")
    monkeypatch.setattr(kubeconfig, "_SERVICE_ACCOUNT", account)
    monkeypatch.setattr(incluster_config, "SERVICE_TOKEN_FILENAME", str(account / "token"))
    monkeypatch.setattr(incluster_config, "SERVICE_CERT_FILENAME", str(account / "ca.crt"))
    found = await load(ClusterSettings(), Wall().clock())
    assert (found.server, found.namespace, found.context) == ("https://[fd00::1]:443", "apps", "in-cluster")
    assert await found.authorization() == "Bearer pod-token"


def _authority() -> bytes:
    from cockpit.world.tls import Authority

    return Authority().pem


async def test_inlined_keys_leave_no_file_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cockpit.world.tls import Authority

    certificate, key = Authority().client("carol", ())
    scratch = tmp_path / "tmp"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    user = (
        f"{{client-certificate-data: {base64.b64encode(certificate).decode()}, "
        f"client-key-data: {base64.b64encode(key).decode()}}}"
    )
    found = await loaded(write(tmp_path, user))
    assert found.loaded.ssl_context is not None
    assert found.loaded.certificate
    assert list(scratch.rglob("*")) == []


async def test_a_plugin_gives_a_token_knows_the_cluster_and_has_no_terminal(tmp_path: Path) -> None:
    body = """
    import json, os, sys
    info = json.loads(os.environ["KUBERNETES_EXEC_INFO"])
    try:
        open("/dev/tty")
        tty = "a terminal"
    except OSError:
        tty = "none"
    token = "|".join([info["spec"]["cluster"]["server"], str(info["spec"]["interactive"]), tty,
                      repr(sys.stdin.read()), os.environ["EXTRA"], sys.argv[1]])
    print(json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential",
                      "status": {"token": token}}))
    """
    plugin(tmp_path, body)
    more = ', provideClusterInfo: true, args: ["-x"], env: [{name: EXTRA, value: e}]'
    found = await loaded(write(tmp_path, exec_user("./get-token", more)))
    assert await found.authorization() == "Bearer https://10.0.0.1:6443|False|none|''|e|-x"


async def test_a_plugin_is_run_again_when_its_token_ends_and_not_before(tmp_path: Path) -> None:
    wall = Wall()
    body = """
    import json, pathlib, datetime
    count = pathlib.Path(__file__).with_name("count")
    n = int(count.read_text()) + 1 if count.exists() else 1
    count.write_text(str(n))
    ends = datetime.datetime.fromtimestamp(1780000100 + 600 * n, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    print(json.dumps({"apiVersion": "client.authentication.k8s.io/v1", "status":
                      {"token": f"t{n}", "expirationTimestamp": ends}}))
    """
    found = await loaded(write(tmp_path, exec_user(plugin(tmp_path, body))), wall)
    assert await found.authorization() == "Bearer t1"
    wall.now += 500
    assert await found.authorization() == "Bearer t1"
    wall.now += 60
    many = await asyncio.gather(*(found.authorization() for _ in range(10)))
    assert set(many) == {"Bearer t2"}, "one run for all who ask"
    many_refreshed = await asyncio.gather(*(found.refresh("Bearer t2") for _ in range(10)))
    assert all(many_refreshed)
    assert await found.authorization() == "Bearer t3"


async def test_a_plugin_that_keeps_failing_is_not_run_for_every_stream(tmp_path: Path) -> None:
    wall = Wall()
    good = ANSWER.replace("STATUS", '{"token": "t"}')
    path = plugin(tmp_path, good)
    found = await loaded(write(tmp_path, exec_user(path)), wall)
    plugin(
        tmp_path,
        """
        import pathlib, sys
        log = pathlib.Path(__file__).with_name("runs")
        log.write_text((log.read_text() if log.exists() else "") + "x")
        sys.stderr.write("\\n\\x1b[31mAADSTS700082: refresh token=verysecretvalue has expired\\x1b[0m\\nmore\\n")
        sys.exit(3)
        """,
    )
    for _ in range(5):
        with pytest.raises(CredentialsError) as caught:
            await found.refresh("Bearer t")
    assert str(caught.value) == (
        "credential plugin get-token failed with exit code 3: AADSTS700082: refresh token=[redacted] has expired"
    )
    assert (tmp_path / "runs").read_text() == "x"
    assert await found.authorization() == "Bearer t", "what was accepted before is still what there is"
    wall.now += 11
    plugin(tmp_path, good.replace('"t"', '"new"'))
    assert await found.refresh("Bearer t")
    assert await found.authorization() == "Bearer new"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("print('hello')", "answered something that is not JSON"),
        ("print('{}')", "answered without a status"),
        ("print('[]')", "answered without a status"),
        (ANSWER.replace("STATUS", "{}"), "neither a token nor a certificate"),
        (ANSWER.replace("STATUS", '{"clientCertificateData": "x"}'), "neither a token nor a certificate"),
        (ANSWER.replace("STATUS", '{"clientCertificateData": "x", "clientKeyData": "y"}'), "cannot be used"),
        (ANSWER.replace("/v1", "/v1beta1").replace("STATUS", '{"token": "t"}'), "answered in .*v1beta1"),
        ("import sys; sys.exit(1)", "failed with exit code 1$"),
    ],
)
async def test_a_plugin_that_answers_nonsense_is_one_sentence(tmp_path: Path, body: str, says: str) -> None:
    with pytest.raises(CredentialsError, match=f"get-token.*{says}|{says}"):
        await loaded(write(tmp_path, exec_user(plugin(tmp_path, body))))


async def test_a_plugin_that_does_not_exist_or_wants_a_terminal(tmp_path: Path) -> None:
    with pytest.raises(CredentialsError, match="no-such-plugin is not installed; see https://example"):
        await loaded(write(tmp_path, exec_user("no-such-plugin", ', installHint: "see https://example"')))
    with pytest.raises(CredentialsError, match="get-token is not installed; install it or put it on PATH"):
        await loaded(write(tmp_path, exec_user("./get-token")))
    interactive = exec_user(plugin(tmp_path, "")).replace("Never", "Always")
    with pytest.raises(CredentialsError, match="needs a terminal; log in with it first"):
        await loaded(write(tmp_path, interactive))
    path = plugin(tmp_path, "")
    path.chmod(stat.S_IRUSR | stat.S_IWUSR)
    with pytest.raises(CredentialsError, match="cannot be started: Permission denied"):
        await loaded(write(tmp_path, exec_user(path)))


async def test_a_plugin_that_hangs_is_ended_with_its_children(tmp_path: Path) -> None:
    body = """
    import os, pathlib, subprocess, sys, time
    child = subprocess.Popen(["sleep", "600"])
    pathlib.Path(__file__).with_name("child").write_text(str(child.pid))
    time.sleep(600)
    """
    path = plugin(tmp_path, body)
    with pytest.raises(CredentialsError, match=r"did not answer within 1\.5 s; log in with it in a shell"):
        await loaded(write(tmp_path, exec_user(path)), exec_timeout=1.5)
    child = tmp_path / "child"
    if child.exists():  # a machine too slow to get that far has shown the time-out all the same
        pid = int(child.read_text())
        async with asyncio.timeout(10):
            while _runs(pid):
                await asyncio.sleep(0.02)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] not in ("Z", "X")
    except FileNotFoundError:
        return False


async def test_a_plugin_that_talks_much_does_not_block(tmp_path: Path) -> None:
    body = "import sys\nsys.stderr.write('x' * 3_000_000)\nsys.stderr.flush()\n" + ANSWER.replace(
        "STATUS", '{"token": "t"}'
    )
    found = await loaded(write(tmp_path, exec_user(plugin(tmp_path, body))))
    assert await found.authorization() == "Bearer t"


async def test_a_plugins_certificate_is_shown_and_a_new_one_starts_new_connections(tmp_path: Path) -> None:
    from cockpit.world.tls import Authority

    certificate, key = Authority().client("carol", ())
    status = repr({"clientCertificateData": certificate.decode(), "clientKeyData": key.decode()})
    found = await loaded(write(tmp_path, exec_user(plugin(tmp_path, ANSWER.replace("STATUS", status)))))
    assert await found.authorization() is None
    assert found.certificate_generation == 1
    assert await found.refresh(None)
    assert found.certificate_generation == 2


async def test_a_session_that_moved_to_another_server_is_not_followed(tmp_path: Path) -> None:
    wall = Wall()
    path = write(tmp_path)
    found = await loaded(path, wall)
    path.write_text(path.read_text().replace("10.0.0.1", "10.9.9.9").replace("abc", "of-another-cluster"))
    with pytest.raises(CredentialsError, match="does not accept the credentials"):
        await found.refresh("Bearer abc")
    assert await found.authorization() == "Bearer abc"


def test_nothing_is_imported_until_credentials_are_loaded() -> None:
    code = (
        "import sys, cockpit.cluster.api, cockpit.cluster.credentials, cockpit.live.live, cockpit.logs.hub\n"
        "heavy = {'kubernetes', 'aiohttp', 'cryptography', 'yaml'}\n"
        "print(sorted({name.split('.')[0] for name in sys.modules} & heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_plugin_section_needs_a_command() -> None:
    with pytest.raises(CredentialsError, match="names no command"):
        ExecPlugin.of({}, Path(), {})
    assert credentials_module.read_kubeconfig is not None


async def test_a_password_in_the_servers_url_is_used_and_never_shown(tmp_path: Path) -> None:
    text = HEAD.replace("https://10.0.0.1:6443", "https://admin:s3cret%21@10.0.0.1:6443")
    found = await loaded(write(tmp_path, "{}", text))
    assert found.server == "https://10.0.0.1:6443"
    assert await found.authorization() == "Basic " + base64.b64encode(b"admin:s3cret!").decode()
    assert await (await loaded(write(tmp_path, "{token: abc}", text))).authorization() == "Bearer abc"


@pytest.mark.parametrize("server", ["https://[::1", "https://", "https://h:99999", "https://h/\\x1b[31m", "ftp://h"])
async def test_a_server_that_is_no_url_is_one_sentence(tmp_path: Path, server: str) -> None:
    with pytest.raises(CredentialsError, match=r"has no server URL|not have the shape of a kubeconfig"):
        await loaded(write(tmp_path, text=HEAD.replace("https://10.0.0.1:6443", server)))


@pytest.mark.parametrize(
    ("status", "says"),
    [
        ('{"token": 5}', "neither a token"),
        ('{"token": ["a"], "clientCertificateData": 1, "clientKeyData": {}}', "neither a token"),
        ('{"token": "t", "expirationTimestamp": 5}', None),
        ('{"token": "t", "expirationTimestamp": {"a": 1}}', None),
    ],
)
async def test_a_plugin_that_answers_other_types_is_no_unexpected_error(
    tmp_path: Path, status: str, says: str | None
) -> None:
    path = write(tmp_path, exec_user(plugin(tmp_path, ANSWER.replace("STATUS", status))))
    if says is None:
        assert await (await loaded(path)).authorization() == "Bearer t"
    else:
        with pytest.raises(CredentialsError, match=says):
            await loaded(path)
